import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { evaluate, type Tensor } from '@bptt/graph'
import { load } from '@bptt/stream/node'
import { unroll, zeroCarry } from '@bptt/unroll'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cellOf, decodeRecord, type NumberModel } from '../src/model.js'
import { toScale } from '../src/records/scale.js'
import { bptt, build, type Ended, inProcess, start } from './bptt.js'

const rows = Array.from({ length: 400 }, (_, t) => [
  Math.sin(t / 9),
  t % 3 === 0 ? 'on' : 'off',
  Math.cos(t / 9),
])
const csv = ['a,state,y', ...rows.map(row => row.join(','))].join('\n')
const what = ['--input', 'a,state:on|off', '--target', 'y']
const small = ['--hidden', '6', '--every', '5', '--estimator', 'tbptt']

let folder = ''
const train = (...args: string[]): Promise<Ended> => inProcess(folder, ['train', '--data', 'a.csv', ...args])
const last = ({ stdout }: Ended) => JSON.parse(stdout.trimEnd().split('\n').at(-1)!)
const state = async (name: string): Promise<unknown> => {
  const { file: _file, metadata, ...snapshot } = await load(join(folder, name))
  return { snapshot, yardsticks: JSON.parse(metadata['bptt.model']!).yardsticks }
}

beforeAll(async () => {
  await build()
  folder = await mkdtemp(join(tmpdir(), 'bptt-records-'))
  await writeFile(join(folder, 'a.csv'), csv)
  await writeFile(join(folder, 'text.txt'), 'abcabc')
  await train(...what, ...small, '--steps', '300', '--save', 'run.safetensors', '--quiet')
}, 120_000)
afterAll(() => rm(folder, { recursive: true }))

describe('bptt train --data', () => {
  test('tells RMSE beside those of the simplest predictors, saves, and leaves a page', async () => {
    const { code, stdout, stderr } = await train(
      ...what,
      ...small,
      '--save',
      'm.safetensors',
      '--html',
      'run.html',
    )
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/data +a\.csv: 400 records; a, state → y\n/)
    expect(stdout).toMatch(/400 records \(100 % of the data\) in 0:0\d, 80 updates\n +lately +\S+ RMSE, /)
    expect(stdout).toMatch(/whole run +\S+ RMSE, .*(mean so far|last value) \(\S+\)/)
    const page = await readFile(join(folder, 'run.html'), 'utf8')
    for (const part of ['a.csv</h1>', 'RMSE', 'last value']) expect(page).toContain(part)
    const seen = await inProcess(folder, ['inspect', 'm.safetensors'])
    expect(seen.stdout).toMatch(/input +\[3\]\noutput +\[1\]\n/)
    expect(await inProcess(folder, ['export', 'm.safetensors', '--onnx', 'm.onnx'])).toMatchObject({
      code: 0,
    })
    expect(await readFile(join(folder, 'm.onnx'), 'latin1')).toContain(
      '"columns":{"input":"a,state:on|off","target":"y"}',
    )
  })

  test('learns as events come from standard input, and says what is wrong with one of them; what was learned is saved', async () => {
    const args = ['train', '--data', '-', '--format', 'csv', ...what, ...small, '--scale', '20', '--json']
    const ended = await bptt(folder, [...args, '--save', 'pipe.safetensors'], `${csv}\n1,broken,2\n`)
    expect(ended.code).toBe(2)
    expect(ended.stderr).toBe(
      `bptt train: standard input, line 402, column 'state': "broken" is no category; there are 2: "on", "off" (hint: NAME:a|b|c lists every word of a column; --skip leaves such records out); learning ended after 400 records, the model is saved in pipe.safetensors\n`,
    )
    expect(last(ended)).toMatchObject({
      events: 400,
      pass: null,
      ending: 'broken',
      saved: 'pipe.safetensors',
    })
    const whole = await bptt(folder, [...args, '--save', 'whole.safetensors'], csv)
    expect([whole.code, last(whole)]).toEqual([
      0,
      expect.objectContaining({ ending: 'finished', unit: 'RMSE' }),
    ])
  })

  test('does not wait for a record of standard input that does not come: not at a time limit, not at Ctrl-C', async () => {
    const args = [
      'train',
      '--data',
      '-',
      '--format',
      'csv',
      ...what,
      ...small,
      '--scale',
      '20',
      '--json',
      '--save',
    ]
    const [timed, stopped] = [
      start(folder, [...args, 'timed.safetensors', '--seconds', '1.5'], undefined, `${csv}\n1,o`),
      start(folder, [...args, 'stopped.safetensors'], undefined, `${csv}\n1,o`),
    ]
    await stopped.spoke
    stopped.child.kill('SIGINT')
    const [first, second] = [await timed.ended, await stopped.ended]
    expect([first.code, first.stderr, last(first).ending]).toEqual([0, '', 'finished'])
    expect([second.code, last(second).ending]).toEqual([130, 'interrupted'])
    for (const name of ['timed', 'stopped']) {
      const { t } = (await load(join(folder, `${name}.safetensors`))).open
      expect([t > 0, t <= 400]).toEqual([true, true]) // half a record is none
    }
  })

  test.each(['300', '400', '555'])(
    'stopped after %s records and resumed is bitwise the run that was not',
    async stop => {
      await train(...what, ...small, '--steps', '900', '--save', 'whole.safetensors')
      await train(...what, ...small, '--steps', stop, '--save', 'part.safetensors')
      const ended = await train('--resume', 'part.safetensors', '--steps', '900', '--quiet')
      expect(ended).toMatchObject({ code: 0, stderr: '' })
      expect(await state('part.safetensors')).toEqual(await state('whole.safetensors'))
    },
  )

  test.each([
    [
      ['--input', 'a'],
      "it was begun with --input 'a,state:on|off', but 'a' is asked for; a run goes on with the numbers it began with",
    ],
    [
      ['--loss', 'huber'],
      "it was begun with --loss none, but 'huber' is asked for; a run goes on with the numbers it began with",
    ],
  ])('resumed with %j is refused', async (args, sentence) => {
    const ended = await train('--resume', 'run.safetensors', '--steps', '900', ...args)
    expect(ended).toEqual({
      code: 2,
      stdout: '',
      stderr: `bptt train: cannot resume run.safetensors: ${sentence}\n`,
    })
  })

  test('what it saved predicts what its trainer did, without targets, as CSV and as JSON', async () => {
    const lines = rows.slice(0, 9).map(([a, state]) => JSON.stringify({ a, state }))
    await writeFile(join(folder, 'today.ndjson'), lines.join('\n'))
    const args = ['predict', '--model', 'run.safetensors', '--data', join(folder, 'today.ndjson')]
    const { code, stdout, stderr } = await inProcess(folder, args)
    expect([code, stderr]).toEqual([0, ''])
    const [head, ...said] = stdout.trimEnd().split('\n')
    const { metadata, params } = await load(join(folder, 'run.safetensors'))
    const { model, numbers } = decodeRecord(metadata, 'run') as NumberModel
    const made = unroll(cellOf(model), { steps: 9, batch: 1 })
    const xs = rows
      .slice(0, 9)
      .flatMap(([a, state]) => [
        ...toScale(numbers.input, [a as number, +(state === 'on'), +(state === 'off')]),
      ])
    const { ys } = evaluate(made.graph, {
      params,
      carry: zeroCarry(cellOf(model), 1),
      xs: { shape: [9, 1, 3], data: Float64Array.from(xs) },
    } as never) as unknown as { ys: Tensor }
    expect(head).toBe('y')
    expect(said.map(Number)).toEqual(
      Array.from(ys.data, z => expect.closeTo(numbers.target.mean[0]! + z * numbers.target.deviation[0]!, 4)),
    )
    const json = await inProcess(folder, [...args, '--json'])
    expect(
      json.stdout
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line).y),
    ).toEqual(said.map(Number))
  })

  test('a model says nothing of records that lack what it reads', async () => {
    await writeFile(join(folder, 'other.csv'), 'a,y\n1,2\n')
    expect(await inProcess(folder, ['predict', '--model', 'run.safetensors', '--data', 'other.csv'])).toEqual(
      {
        code: 2,
        stdout: '',
        stderr:
          "bptt predict: other.csv, line 1: has no column 'state'; the columns are 'a', 'y' (hint: --columns names the columns where the first record is no header, --separator what stands between fields)\n",
      },
    )
  })

  test.each([
    [
      'a\nx\n',
      'line 2, column \'a\': is "x"; events are finite decimal numbers',
      'NAME:a|b is a column of words; ',
    ],
    ['a,b\n1\n', 'line 2: has 1 field; the header has 2, and so has every record', ''],
  ])('a record of %j that does not fit is told with the flags that help', async (text, sentence, hint) => {
    await writeFile(join(folder, 'misfit.csv'), text)
    const args = ['--data', 'misfit.csv', '--input', 'a', '--target', 'a']
    const stderr = `bptt train: misfit.csv, ${sentence} (hint: ${hint}--skip leaves such records out)\n`
    expect(await inProcess(folder, ['train', ...args])).toEqual({ code: 2, stdout: '', stderr })
  })

  test('a model of text does not predict numbers', async () => {
    await inProcess(folder, ['train', '--text', 'text.txt', '--save', 'text.safetensors', '--quiet'])
    expect(await inProcess(folder, ['predict', '--model', 'text.safetensors', '--data', 'a.csv'])).toEqual({
      code: 2,
      stdout: '',
      stderr: 'bptt predict: text.safetensors is a model of text (--text); bptt sample lets it write\n',
    })
  })

  test('a model of numbers does not go on with a text, nor write one', async () => {
    const ended = await inProcess(folder, ['train', '--text', 'text.txt', '--resume', 'run.safetensors'])
    expect(ended.stderr).toMatch(/^bptt train: .+\n$/)
    expect(ended.code).toBe(2)
    expect(await inProcess(folder, ['sample', '--model', 'run.safetensors'])).toEqual({
      code: 2,
      stdout: '',
      stderr: 'bptt sample: run.safetensors is a model of numbers (--data); bptt predict lets it predict\n',
    })
  })
})
