import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FinalRecord, ResultRecord } from '../src/compare/record.js'
import { bptt, build, inProcess, recordsOf, start } from './bptt.js'

const text = 'the quick brown fox jumps over the lazy dog. '.repeat(60)
const small = [
  'compare',
  '--text',
  'text.txt',
  '--hidden',
  '8',
  '--steps',
  '600',
  '--prefix',
  '12',
  '--samples',
  '9',
]

let folder = ''
beforeAll(async () => {
  await build()
  folder = await mkdtemp(join(tmpdir(), 'bptt-compare-'))
  await writeFile(join(folder, 'text.txt'), text)
}, 120_000)

afterAll(async () => {
  await rm(folder, { recursive: true })
})

const records = (stdout: string): readonly (ResultRecord | FinalRecord)[] =>
  recordsOf<ResultRecord | FinalRecord>(stdout)

describe('bptt compare', () => {
  test('shows a table, and writes a page that is complete in itself', async () => {
    const { code, stdout } = await inProcess(folder, [...small, '--html', 'report.html'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/stream +text\.txt: 2,700 characters, 28 different ones/)
    expect(stdout).toMatch(/\n +estimator +bits\/char .+\n +(tbptt|artbp):\S+ +\d\.\d{3} /)
    expect(stdout).toContain('The page is in report.html.')
    const page = await readFile(join(folder, 'report.html'), 'utf8')
    expect(page).toMatch(/<h1>Gradient estimators on .*text\.txt<\/h1>/)
    expect(await inProcess(folder, [...small, '--html', 'report.html', '--json'])).toMatchObject({ code: 0 })
  })

  test('with --json writes a record an estimator and a last one, the same ones twice but for the clock', async () => {
    const args = [...small, '--json', '--estimators', 'tbptt:4', 'artbp:4', '--cell', 'elman']
    const [a, b] = [await inProcess(folder, args), await inProcess(folder, args)]
    expect(a.code).toBe(0)
    const all = records(a.stdout)
    expect(all).toHaveLength(3)
    expect(all.at(-1)).toMatchObject({ final: true, unit: 'bits per character', html: null, seed: 1 })
    expect((all.at(-1) as FinalRecord).ranking.toSorted()).toEqual(['artbp:4', 'tbptt:4'])
    const still = (stdout: string) => records(stdout).map(record => ({ ...record, seconds: 0 }))
    expect(still(b.stdout)).toEqual(still(a.stdout))
  })

  test('reads the text from standard input', async () => {
    const { stdout } = await bptt(folder, [...small, '--text', '-', '--json', '--prefix', '0'], text)
    expect(records(stdout).at(-1)).toMatchObject({ stream: 'standard input', gradients: null })
  })

  test.each([
    [['compare'], 'there is nothing to learn from; give --text FILE, --data FILE or --task NAME'],
    [['compare', '--task', 'sine', '--loss', 'huber'], '--loss belongs to --data, but --task is given'],
    [[...small, '--task', 'sine'], '--task and --text are both given; one stream is compared on'],
    [
      [...small, '--estimators', 'uoro:3'],
      "--estimators takes estimators written 'full:N', 'tbptt:K', 'artbp:MEAN', 'artbp:MEAN,TAIL', 'bptt:H', 'bptt:H,EVERY', 'rtrl', 'snap:ORDER' or 'uoro', but one is 'uoro:3'",
    ],
    [
      [...small, '--html', 'text.txt'],
      'cannot save in text.txt: there is a file that is not a page of bptt; choose another name or move it away',
    ],
    [[...small, '--html', 'nowhere/a.html'], 'cannot save in nowhere/a.html: there is no folder nowhere'],
    [[...small, '--steps', '1'], "--steps must be a whole number from 2 to 1000000000000, but is '1'"],
  ])('%j ends with one sentence, code 2, and files as they were', async (args, sentence) => {
    const before = await readdir(folder)
    expect(await inProcess(folder, args)).toEqual({
      code: 2,
      stdout: '',
      stderr: `bptt compare: ${sentence}\n`,
    })
    expect(await readdir(folder)).toEqual(before)
    expect(await readFile(join(folder, 'text.txt'), 'utf8')).toBe(text)
  })

  test('where every estimator breaks down, says so and ends with code 1', async () => {
    const blast = ['--optimizer', 'sgd', '--lr', '1e300', '--clip', 'none', '--cell', 'elman', '--json']
    const { code, stdout, stderr } = await inProcess(folder, [...small, ...blast])
    expect(code).toBe(1)
    expect(stderr).toMatch(/bptt compare: every estimator broke down; try a smaller --lr\n$/)
    for (const record of records(stdout).slice(0, -1))
      expect((record as ResultRecord).broken).toMatch(/^events? \d/)
  })

  test('at Ctrl-C shows how the estimators stand, and ends with code 130', async () => {
    await writeFile(join(folder, 'long.txt'), text.repeat(400))
    const { child, spoke, ended } = start(folder, ['compare', '--text', 'long.txt', '--steps', '1e6'])
    await spoke
    await new Promise(resolve => setTimeout(resolve, 1500))
    child.kill('SIGINT')
    const { code, stdout, stderr } = await ended
    expect(code).toBe(130)
    expect(stderr).toMatch(/Stopped \(Ctrl-C\); the table shows what was reached\.\n$/)
    expect(stdout).toMatch(/\n +tbptt:8 .+–\n?/)
  })

  test('help has an example and the exit codes', async () => {
    const { code, stdout, stderr } = await inProcess(folder, ['compare', '--help'])
    expect([code, stderr]).toEqual([0, ''])
    for (const part of ['Estimators:', '--html', '--json', 'Examples:', 'Exit codes:'])
      expect(stdout).toContain(part)
  })
})
