import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeSafetensors } from '@bptt/stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FinalRecord, JsonRecord } from '../src/report.js'
import { bptt, build, type Ended, inProcess, recordsOf, start } from './bptt.js'

const text = 'the quick brown fox jumps over the lazy dog. '.repeat(60)
const small = ['--text', 'text.txt', '--hidden', '12', '--lr', '0.02', '--steps', '2000']

let folder = ''
const read = (name: string): Promise<string> => readFile(join(folder, name), 'latin1')
type AnyRecord = JsonRecord & Partial<Pick<FinalRecord, 'final' | 'baselines'>>
const records = ({ stdout }: Ended): readonly AnyRecord[] => recordsOf<AnyRecord>(stdout)

beforeAll(async () => {
  await build()
  folder = await mkdtemp(join(tmpdir(), 'bptt-process-'))
  await mkdir(join(folder, 'folder'))
  await writeFile(join(folder, 'text.txt'), text)
  await writeFile(join(folder, 'empty.txt'), '')
  await writeFile(join(folder, 'same.txt'), 'aaaa')
  await writeFile(join(folder, 'binary'), Buffer.from([0x66, 0xff, 0xfe, 0x00]))
  const tensors = { w: { shape: [1], data: Float64Array.of(1) } }
  await writeFile(join(folder, 'foreign.safetensors'), encodeSafetensors(tensors))
  const { code, stderr } = await bptt(folder, ['train', ...small, '--save', 'model.safetensors', '--quiet'])
  if (code !== 0) throw new Error(stderr)
}, 120_000)

afterAll(async () => {
  await rm(folder, { recursive: true })
})

describe('bad input', () => {
  const train = (...args: string[]): string[] => ['train', '--text', 'text.txt', ...args]
  test.each([
    [
      ['train', '--text', 'none.txt'],
      'bptt train: none.txt: cannot be read: there is no such file or folder',
    ],
    [['train', '--text', 'folder'], 'bptt train: folder: cannot be read: it is a folder'],
    [
      ['train', '--text', 'empty.txt'],
      'bptt train: empty.txt is empty; a text to learn has at least two different symbols',
    ],
    [
      ['train', '--text', 'same.txt'],
      'bptt train: same.txt has no symbol but "a"; a text to learn has at least two different ones',
    ],
    [
      ['train', '--text', 'binary'],
      'bptt train: binary: byte 1 is not UTF-8; a text is read as UTF-8 (hint: is it a binary file, or text in another encoding?)',
    ],
    [['train'], 'bptt train: there is nothing to learn from; give --text FILE or --data FILE'],
    [train('--hiden', '8'), "bptt train: unknown option '--hiden' (Did you mean --hidden?)"],
    [train('--hidden', '0'), "bptt train: --hidden must be a whole number from 1 to 4096, but is '0'"],
    [train('--lr', 'nan'), "bptt train: --lr must be a number above 0, but is 'nan'"],
    [
      train('--tail', '2'),
      "bptt train: --tail must be a number above 2 and at most 1000, or 'none', but is '2'",
    ],
    [
      train('--mean', '9', '--estimator', 'tbptt'),
      'bptt train: --mean belongs to --estimator artbp, but the estimator is tbptt',
    ],
    [train('--cell', 'rnn'), "bptt train: --cell must be one of lstm, gru, elman, but is 'rnn'"],
    [
      train('--save', 'nowhere/m.safetensors'),
      'bptt train: cannot save in nowhere/m.safetensors: there is no folder nowhere',
    ],
    [train('--save', 'folder'), 'bptt train: cannot save in folder: it is a folder; name a file in it'],
    [
      train('--save', 'text.txt'),
      'bptt train: cannot save in text.txt: there is a file that is not a model of bptt; choose another name or move it away',
    ],
    [['sample', '--model', 'none'], 'bptt sample: none: cannot be read: there is no such file or folder'],
    [
      ['sample', '--model', 'foreign.safetensors'],
      "bptt sample: foreign.safetensors: holds no snapshot of a trainer; it has no readable entry 'bptt.snapshot'",
    ],
    [
      ['sample', '--model', 'model.safetensors', '--prompt', 'é'],
      'bptt sample: --prompt has the symbol "é", which is not among the 28 symbols of the model',
    ],
    [
      ['sample', '--model', 'model.safetensors', '--temperature', '-1'],
      "bptt sample: --temperature must be a number from 0 to 100, but is '-1'",
    ],
    [
      ['train', 'text.txt'],
      "bptt train: too many arguments for 'train'. Expected 0 arguments but got 1. (hint: --text FILE or --data FILE)",
    ],
    [['trian'], "bptt: unknown command 'trian' (Did you mean train?)"],
    [['--colour'], "bptt: unknown option '--colour'"],
  ])('%j ends with one sentence, code 2, and files as they were', async (args, sentence) => {
    const before = await readdir(folder)
    const bytes = await read('model.safetensors')
    expect(await inProcess(folder, args)).toEqual({ code: 2, stdout: '', stderr: `${sentence}\n` })
    expect(await readdir(folder)).toEqual(before)
    expect(await read('model.safetensors')).toBe(bytes)
    expect(await read('text.txt')).toBe(text)
  })

  test('on standard input ends the same way', async () => {
    expect(await bptt(folder, ['train', '--text', '-'])).toEqual({
      code: 2,
      stdout: '',
      stderr: 'bptt train: standard input is empty; a text to learn has at least two different symbols\n',
    })
  })

  test('that is no model file at all ends the same way', async () => {
    const { code, stdout, stderr } = await inProcess(folder, ['sample', '--model', 'text.txt'])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/^bptt sample: text\.txt: .+\n$/)
  })
})

describe('help', () => {
  test.each([
    [[], ['Usage: bptt', 'Commands:', 'train', 'sample', 'Examples:', 'Exit codes:']],
    [['--help'], ['Usage: bptt', 'Commands:', 'Examples:', 'Exit codes:']],
    [
      ['train', '--help'],
      ['Text:', 'Model:', 'Gradient estimator', 'Optimizer:', 'Output:', 'Examples:', 'Exit codes:'],
    ],
    [
      ['sample', '--help'],
      ['--temperature', 'Examples:', 'Exit codes:'],
    ],
    [
      ['start', '--help'],
      ['--seconds', 'rxjs', 'Exit codes:'],
    ],
  ])('of %j goes to standard output, with code 0', async (args, parts) => {
    const { code, stdout, stderr } = await inProcess(folder, args)
    expect([code, stderr]).toEqual([0, ''])
    for (const part of parts) expect(stdout).toContain(part)
  })

  test('has the version', async () => {
    expect(await bptt(folder, ['--version'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    })
  })
})

describe('bptt train', () => {
  test('shows what it does and where it got to', async () => {
    const { code, stdout } = await bptt(folder, ['train', ...small])
    expect(code).toBe(0)
    expect(stdout).toMatch(/text +text\.txt: 2,700 characters, 28 different ones/)
    expect(stdout).toMatch(/2,000 characters \(74 % of the text\) in \d:\d\d, [\d,]+ updates/)
    expect(stdout).toMatch(/lately +\d\.\d\d bits per character, /)
    expect(stdout).toContain('The model is not saved; --save keeps it.')
  })

  test('with --json writes records and nothing else, and learns more than how frequent symbols are', async () => {
    const ended = await bptt(folder, ['train', ...small, '--steps', '6000', '--json'])
    expect([ended.code, ended.stderr]).toEqual([0, ''])
    const all = records(ended)
    const last = all.at(-1)
    expect(all.filter(record => record.final)).toEqual([last])
    expect(last).toMatchObject({ events: 6000, pass: 3, ending: 'finished', saved: null })
    expect(last?.lately).toBeLessThan(last?.baselines?.['unigram'] ?? 0)
  })

  test('does the same twice with the same seed, to the last bit', async () => {
    const once = async (name: string): Promise<string> => {
      expect(await bptt(folder, ['train', ...small, '--quiet', '--save', name])).toMatchObject({ code: 0 })
      return read(name)
    }
    const first = await once('once.safetensors')
    expect(await once('twice.safetensors')).toBe(first)
    expect(first).toBe(await read('model.safetensors'))
  })

  test.each([
    ['full', ['--episode', '50']],
    ['tbptt', ['--every', '16', '--cell', 'gru']],
    ['artbp', ['--mean', '16', '--tail', 'none', '--cell', 'elman', '--optimizer', 'sgd', '--clip', 'none']],
  ])('learns with the estimator %s', async (estimator, rest) => {
    const ended = await inProcess(folder, [
      'train',
      ...small,
      '--json',
      '--quiet',
      '--estimator',
      estimator,
      ...rest,
    ])
    expect([ended.code, ended.stderr]).toEqual([0, ''])
    const [last] = records(ended)
    expect(last).toMatchObject({ final: true, events: 2000 })
    expect(last?.lately).toBeLessThan(last?.baselines?.['uniform'] ?? 0)
  })

  test('with --html leaves a page of the run', async () => {
    expect(await inProcess(folder, ['train', ...small, '--quiet', '--html', 'run.html'])).toMatchObject({
      code: 0,
    })
    const page = await read('run.html')
    expect(page).toContain('text.txt</h1>')
    for (const id of ['loss', 'norm', 'segments']) expect(page).toContain(`id="${id}"`)
  })

  test('reads the text from standard input', async () => {
    const ended = await bptt(folder, ['train', '--text', '-', '--steps', '200', '--json'], text)
    expect(records(ended).at(-1)).toMatchObject({ events: 200, options: { text: '-' } })
  })

  test.each([
    ['SIGINT', 130, 'Ctrl-C'],
    ['SIGTERM', 143, 'SIGTERM'],
  ] as const)('saves at %s, says so, and ends with code %i', async (signal, code, cause) => {
    const name = `${signal}.safetensors`
    const { child, spoke, ended } = start(folder, [
      'train',
      '--text',
      'text.txt',
      '--hidden',
      '8',
      '--seconds',
      '60',
      '--json',
      '--save',
      name,
    ])
    await spoke
    child.kill(signal)
    const end = await ended
    expect(end.code).toBe(code)
    const sentence = `^Stopped \\(${cause}\\) after [\\d,]+ characters? in .+; the model is saved in ${name}\\.\\n$`
    expect(end.stderr).toMatch(new RegExp(sentence))
    expect(records(end).at(-1)).toMatchObject({ final: true, ending: 'interrupted', saved: name })
    expect(await bptt(folder, ['sample', '--model', name, '--length', '5'])).toMatchObject({
      code: 0,
      stderr: '',
    })
  })

  test('saves and ends quietly when its reader goes away', async () => {
    const { child, spoke, ended } = start(folder, [
      'train',
      '--text',
      'text.txt',
      '--hidden',
      '8',
      '--seconds',
      '60',
      '--json',
      '--save',
      'pipe.safetensors',
    ])
    await spoke
    child.stdout?.destroy()
    expect(await ended).toMatchObject({ code: 0, stderr: '' })
    expect(await readdir(folder)).toContain('pipe.safetensors')
  })

  test('that breaks down ends with code 1 and one sentence, and keeps what is good', async () => {
    const blast = [
      '--optimizer',
      'sgd',
      '--lr',
      '1e300',
      '--clip',
      'none',
      '--cell',
      'elman',
      '--save',
      'blast.safetensors',
      '--quiet',
    ]
    const { code, stderr } = await bptt(folder, ['train', '--text', 'text.txt', '--seconds', '30', ...blast])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^bptt train: learning broke down after \d+ characters: .+; try a smaller --lr\n$/)
  })
})

describe('bptt sample', () => {
  const sample = (...args: string[]): Promise<Ended> =>
    bptt(folder, ['sample', '--model', 'model.safetensors', ...args])

  test('writes the prompt, as many symbols as asked for, and the end of a line', async () => {
    const { code, stdout } = await sample('--prompt', 'the ', '--length', '40')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^the [a-z. ]{40}\n$/)
  })

  test('writes the same with the same seed, and something else with another', async () => {
    const [a, b, c] = await Promise.all([sample('--seed', '1'), sample('--seed', '1'), sample('--seed', '2')])
    expect(a.stdout).toHaveLength(501)
    expect(b.stdout).toBe(a.stdout)
    expect(c.stdout).not.toBe(a.stdout)
  })

  test('at temperature 0 does not depend on the seed', async () => {
    const [a, b] = await Promise.all([
      sample('--temperature', '0', '--seed', '1'),
      sample('--temperature', '0', '--seed', '2'),
    ])
    expect(b.stdout).toBe(a.stdout)
  })

  test('with --json writes the same in records, and a last one of how it was made', async () => {
    const [plain, { stdout }] = [await sample('--length', '5000'), await sample('--length', '5000', '--json')]
    const all: { text?: string }[] = stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(all.map(({ text }) => text?.length)).toEqual([4096, 904, undefined])
    expect(`${all.map(({ text = '' }) => text).join('')}\n`).toBe(plain.stdout)
    expect(all.at(-1)).toMatchObject({ final: true, length: 5000, prompt: '', temperature: 0.8, seed: 1 })
  })

  test('ends quietly when its reader goes away', async () => {
    const { child, spoke, ended } = start(folder, [
      'sample',
      '--model',
      'model.safetensors',
      '--length',
      '1000000',
      '--prompt',
      'a. ',
    ])
    child.stdout?.once('data', () => child.stdout?.destroy())
    void spoke
    expect(await ended).toMatchObject({ code: 0, stderr: '' })
  })
})

describe('bptt start', () => {
  test('learns the sources of rxjs, writes a sample, saves, and names the next commands', async () => {
    const { code, stdout } = await bptt(folder, ['start', '--seconds', '2'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/the sources of rxjs: [\d,]{7,} characters/)
    expect(stdout).toContain('│ export function ')
    expect(stdout).toMatch(/The model is saved in \.bptt.model\.safetensors\./)
    expect(stdout.match(/^ {2}npm run bptt -- .+$/gm)).toHaveLength(3)
    expect(await readdir(join(folder, '.bptt'))).toEqual(['model.safetensors'])
  })
})
