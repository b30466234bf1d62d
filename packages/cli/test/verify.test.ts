import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GraphError } from '@bptt/graph'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { main } from '../src/main.js'
import type { Finding } from '../src/verify/compare.js'
import { verifyFile } from '../src/verify/file.js'

/** A JSON value that a test may take apart. */
// biome-ignore lint/suspicious/noExplicitAny: tests reach into parsed files
type Json = any

let folder = ''

const golden = async (name: string): Promise<Json> =>
  JSON.parse(await readFile(new URL(`../../../test/golden/${name}.json`, import.meta.url), 'utf8'))

/** The file with only the case of this name. */
const oneCase = async (file: string, name: string): Promise<Json> => {
  const json = await golden(file)
  return { ...json, cases: json.cases.filter((of: Json) => of.name === name) }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bptt-verify-'))
})

afterAll(async () => {
  await rm(folder, { recursive: true })
})

afterEach(() => {
  vi.restoreAllMocks()
})

/** Runs `bptt verify` on a file with this content; a text is written as it is. */
async function verify(
  content: unknown,
  ...options: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const path = join(folder, 'file.json')
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
  return run(path, ...options)
}

async function run(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    vi.spyOn(process[name], 'write').mockImplementation(text => {
      said[name] += String(text).replaceAll(folder, '')
      return true
    })
  const code = await main(['verify', ...words])
  return { code, ...said }
}

/** The entries that differ by more than 1e-9. */
const exceeding = (findings: readonly Finding[]): readonly string[] =>
  findings.filter(({ worst }) => !(worst <= 1e-9)).map(({ entry }) => entry)

describe('a planted fault', () => {
  test('of 1e-6 in one gradient is found, with its tensor and index', async () => {
    const json = await oneCase('03-lstm', 'lstm_ce_b1')
    const { data } = json.cases[0].grads.params.weight_hh_l0
    const largest = data.map(Math.abs).indexOf(Math.max(...data.map(Math.abs)))
    data[largest] *= 1 + 1e-6
    const [found, ...others] = verifyFile(json, 'f').filter(({ worst }) => worst > 1e-9)
    const columns = json.cases[0].params.weight_hh_l0.shape[1]
    const index = `[${Math.floor(largest / columns)}, ${largest % columns}]`
    expect(found).toMatchObject({
      case: 'lstm_ce_b1',
      entry: 'gradients',
      at: `folded: params.weight_hh_l0${index}`,
    })
    expect(found!.worst).toBeCloseTo(1e-6, 9)
    expect(others).toEqual([])
  })

  test('of gate rows in the order of another library is found in all that depends on them', async () => {
    const json = await oneCase('03-lstm', 'lstm_ce_b1')
    const { params } = json.cases[0]
    for (const name of ['weight_ih_l0', 'weight_hh_l0', 'bias_ih_l0', 'bias_hh_l0']) {
      const { data } = params[name]
      const block = data.length / 4
      const [i, f, g, o] = [0, 1, 2, 3].map(k => data.slice(k * block, (k + 1) * block))
      params[name].data = [...i, ...g, ...f, ...o]
    }
    const entries = exceeding(verifyFile(json, 'f'))
    expect(entries).toEqual(
      expect.arrayContaining(['outputs', 'carries', 'losses', 'gradients', 'block K=3']),
    )
  })

  test.each([
    ['K of a block', 'block', 'K', 'block K=4'],
    ['h of windows', 'windows', 'h', "windows h=4 h'=1"],
  ])('of a wrong %s is found', async (_, kind, key, entry) => {
    const json = await oneCase('02-elman', 'elman_ce_b1')
    const truncation = json.cases[0].truncations.find((of: Json) => of.kind === kind && of[key] === 3)
    truncation[key] = 4
    expect(exceeding(verifyFile(json, 'f'))).toEqual([entry])
  })

  test('of a nonzero number where credit is cut is infinite', async () => {
    const json = await oneCase('06-resets', 'reset_elman_hse_b3')
    const { grads } = json.cases[0]
    grads.initial_carry.h_l0.data.fill(0)
    const [found] = verifyFile(json, 'f').filter(({ entry }) => entry === 'gradients')
    expect(found!.worst).toBe(Number.POSITIVE_INFINITY)
    expect(found!.at).toContain('initial_carry.h_l0')
  })

  test.each([
    ['06-resets', 'reset_elman_hse_b3', ['reset'], 'outputs'],
    ['08-products', 'products_lstm_scalar_hessian', ['products', 'hessian_params'], 'hessian params'],
    ['08-products', 'products_elman_ce_b2', ['products', 'jvp_params_outputs'], 'jvp params → outputs'],
    ['09-lags', 'lags_ce_b1', ['lags', 'vectors', 5, 3], 'lag 3'],
    ['09-lags', 'lags_ce_b1', ['lags', 'param_grads_by_lag', 2, 'readout.bias'], 'lag 2'],
    [
      '11-expectation',
      'expect_linear_scalar_t4',
      ['expectations', 0, 'expected_grads', 'params', 'W'],
      'E[artbp constant c=0.3]',
    ],
    [
      '11-expectation',
      'expect_linear_scalar_t4',
      ['expectations', 2, 'patterns', 1, 'param_grads', 'W'],
      'patterns power_law alpha=4 L0=3',
    ],
    ['07-optim', 'elman_hse', ['runs', 5, 'steps', 1, 'params_after', 'readout.bias'], 'adamw_clip: updates'],
    ['10-influence', 'influence_23_10', ['traces', 0, 'at_step', '1000', 'state'], 'trace K=10'],
  ])('in %s, %s, at %j is found as %s', async (file, name, path, entry) => {
    const json = await oneCase(file, name)
    const tensor = (path as (string | number)[]).reduce((value: Json, key) => value[key], json.cases[0])
    const last = tensor.data.length - 1
    tensor.data[last] = file === '06-resets' ? 1 - tensor.data[last] : tensor.data[last] * (1 + 1e-4) + 1e-4
    expect(exceeding(verifyFile(json, 'f'))).toContain(entry)
  })

  test('ends the command with code 1, a line in the table and a sentence', async () => {
    const json = await oneCase('02-elman', 'elman_ce_b1')
    json.cases[0].truncations[0].grads.params.weight_ih_l0.data[0] += 1e-4
    const { code, stdout, stderr } = await verify(json)
    expect(code).toBe(1)
    expect(stderr).toBe('bptt verify: 1 entry differs by more than 1e-9\n')
    expect(stdout).toMatch(/^ {15}block K=1 +\d\.\de-\d+ {2}every\(1\): params\.weight_ih_l0\[0, 0\]$/m)
    expect(stdout).toMatch(/\n19 entries agree within 1e-9, 1 exceed, 0 not checked\n$/)
  })
})

describe('bptt verify', () => {
  test('says per case how many entries were compared, and ends with code 0', async () => {
    const { code, stdout, stderr } = await verify(await oneCase('01-linear', 'linear_scalar_by_hand'))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.split('\n').map(line => line.trim().split(/ {2,}/))).toEqual([
      ['/file.json'],
      ['case', 'entries', 'worst', 'where'],
      ['linear_scalar_by_hand', '4', '0'],
      [''],
      ['4 entries agree within 1e-9, 0 exceed, 0 not checked'],
      [''],
    ])
  })

  test('with --all writes a line an entry', async () => {
    const { stdout } = await verify(await oneCase('01-linear', 'linear_scalar_t8'), '--all')
    expect(stdout).toMatch(/^ {2}linear_scalar_t8 {2}outputs +0/m)
    expect(stdout.match(/^ {2}linear_scalar_t8 /gm)).toHaveLength(20)
  })

  test('with --tolerance 0 accepts equal bits only', async () => {
    expect((await verify(await oneCase('01-linear', 'linear_scalar_t8'), '--tolerance', '0')).code).toBe(0)
    expect((await verify(await oneCase('02-elman', 'elman_scalar'), '--tolerance', '0')).code).toBe(1)
  })

  test('with --json writes every entry and the counts as records', async () => {
    const json = await oneCase('07-optim', 'elman_hse')
    json.cases[0].runs[0].steps[0].grads['readout.bias'].data[0] = 7
    json.cases[0].runs[3].optimizer = 'Rprop'
    json.cases[0].runs[4].optimizer = 'constructor'
    const { code, stdout } = await verify(json, '--json')
    const records = stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(code).toBe(1)
    expect(records).toHaveLength(13)
    expect(records[0]).toMatchObject({
      file: '/file.json',
      case: 'elman_hse',
      entry: 'sgd_clip: gradients',
      at: 'step 0: params.readout.bias[0]',
      agrees: false,
    })
    expect(records.filter(({ agrees }) => agrees === null).map(({ note }) => note)).toEqual([
      'not checked: @bptt/stream has no Rprop',
      'not checked: @bptt/stream has no constructor',
    ])
    expect(records[12]).toEqual({ final: true, tolerance: 1e-9, agree: 9, exceed: 1, notChecked: 2 })
  })

  test.each([
    ['as PyTorch does', (sum: number, t: number) => 0.5 / (1 + 0.25 * t) / (Math.sqrt(sum) + 0.01), 0],
    ['as no one does', (sum: number, t: number) => 0.5 / (1 + 0.25 * (t + 1)) / (Math.sqrt(sum) + 0.01), 1],
  ])('compares the updates of Adagrad, made by hand %s', async (_, rate, exceed) => {
    const { code, stdout } = await verify(adagradByHand(rate))
    expect(code).toBe(exceed)
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(
      exceed === 0 ? /^2 entries agree/ : /^1 entry agrees .*, 1 exceed/,
    )
  })

  test('takes a model with no more than parameters, inputs and outputs', async () => {
    const json = await oneCase('04-gru', 'gru_ce_b3')
    const { name, config, params, inputs, outputs, initial_carry } = json.cases[0]
    const small = { name, config, params, inputs, outputs, initial_carry }
    const { code, stdout } = await verify({ schema: 1, cases: [small] })
    expect({ code, closing: stdout.trimEnd().split('\n').at(-1) }).toEqual({
      code: 0,
      closing: '1 entry agrees within 1e-9, 0 exceed, 0 not checked',
    })
  })

  test('starts from a zero carry where none is given', async () => {
    const json = await oneCase('01-linear', 'linear_one_step')
    const [of] = json.cases
    const zero = { ...of, initial_carry: { h_l0: { shape: [2, 3], data: [0, 0, 0, 0, 0, 0] } } }
    const { initial_carry: _, ...without } = of
    const worst = (value: Json): readonly number[] =>
      verifyFile({ schema: 1, cases: [value] }, 'f').map(finding => finding.worst)
    expect(worst(without)).toEqual(worst(zero))
    expect(worst(without)).not.toEqual(worst(of))
  })

  test('passes over nothing in silence: unknown parts, and a case that gives nothing to compare', async () => {
    const json = await oneCase('01-linear', 'linear_scalar_by_hand')
    const { name, config, params, inputs } = json.cases[0]
    const bare = { name, config, params, inputs, output: {} }
    expect(verifyFile({ schema: 1, cases: [bare] }, 'f').map(({ entry, note }) => [entry, note])).toEqual([
      ['case', 'not checked: it gives neither outputs, carries, losses nor gradients'],
      ['output', 'not checked: no part of the format'],
    ])
  })
})

describe('a malformed file', () => {
  const broken = (change: (of: Json, json: Json) => void) => async (): Promise<Json> => {
    const json = await oneCase('05-stack', 'lstm2_ce_b2')
    change(json.cases[0], json)
    return json
  }
  test.each([
    ['{"schema": 1,', /^bptt verify: \/file\.json: is not JSON: .+\n$/],
    ['[]', 'the file is a list; it must be an object'],
    ['{}', 'schema is missing; it must be there'],
    ['{"schema": 2}', 'schema is the number 2; this version reads schema 1'],
    ['{"schema": 1, "cases": []}', 'cases is empty; there must be at least one case'],
    ['{"schema": 1, "cases": [7]}', 'cases[0] is the number 7; it must be an object'],
    [broken(of => delete of.config.output), 'cases[0].config.output is missing; it must be there'],
    [broken(of => (of.config.T = 9)), 'cases[0].config.T is the number 9; the inputs have 7'],
    [
      broken(of => (of.config.layers[1].type = 'rnn')),
      "cases[0].config.layers[1].type is 'rnn'; it must be one of elman, lstm, gru",
    ],
    [
      broken(of => (of.config.layers[1].input = 4)),
      'cases[0].config.layers[1].input is the number 4; the layer below has 3 hidden units',
    ],
    [
      broken(of => (of.config.layers[0].hidden = 2.5)),
      'cases[0].config.layers[0].hidden is 2.5; it must be a whole number from 1 to a million',
    ],
    [
      broken(of => (of.config.layers = [])),
      'cases[0].config.layers is empty; a model has at least one layer',
    ],
    [broken(of => delete of.params.bias_hh_l1), 'cases[0].params.bias_hh_l1 is missing; it must be there'],
    [
      broken(of => (of.params['readout.bias'].data[1] = 'x')),
      `cases[0].params['readout.bias'].data[1] is the string "x"; it must be a number`,
    ],
    [
      broken(of => of.params['readout.bias'].data.push(0)),
      `cases[0].params['readout.bias'].data is a list of 3; it must have 2`,
    ],
    [
      broken(of => (of.initial_carry.c_l1.shape = [3, 2])),
      'cases[0].initial_carry.c_l1 is a tensor [3, 2]; it must be [2, 3]',
    ],
    [
      broken(of => (of.targets.data[0] = 2)),
      'cases[0].targets.data[0] is 2; a class is a whole number from 0 to 1',
    ],
    [broken(of => delete of.targets), 'cases[0].step_losses is without targets; it needs targets'],
    [
      broken(of => (of.truncations[0].kind = 'blocks')),
      "cases[0].truncations[0].kind is 'blocks'; it must be one of block, windows, gates, gates_per_example",
    ],
    [
      broken(of => of.truncations.find((at: Json) => at.kind === 'gates').gates.pop()),
      /: cases\[0\]\.truncations\[\d\]\.gates is a list of 5; it must have 6\n$/,
    ],
  ])('ends with code 2 and a sentence that names the place: %#', async (content, sentence) => {
    const { code, stderr } = await verify(typeof content === 'string' ? content : await content())
    expect(code).toBe(2)
    if (typeof sentence === 'string') expect(stderr).toBe(`bptt verify: /file.json: ${sentence}\n`)
    else expect(stderr).toMatch(sentence)
  })

  test('never breaks the reader: any part that is missing or of another kind is either not needed or named', async () => {
    const whole = await oneCase('11-expectation', 'expect_linear_scalar_t4')
    const [of] = whole.cases
    of.expectations.splice(1)
    const { grads } = of
    const [{ hazard, patterns }] = of.expectations
    of.truncations = [
      { kind: 'block', K: 2, grads },
      { kind: 'windows', h: 2, hp: 4, windows: [{ start: 2, end: 4, loss_from: 0 }], grads },
      { kind: 'gates', hazard, ...patterns[2], grads },
    ]
    of.reset = { shape: [4, 1], data: [0, 0, 0, 0] }
    let refused = 0
    for (const path of paths(whole))
      for (const value of [undefined, 'x', {}])
        try {
          verifyFile(replaced(whole, path, value), 'f')
        } catch (error) {
          expect(error).toBeInstanceOf(GraphError)
          expect(error).toMatchObject({ code: 'bad-golden', where: 'f' })
          refused += 1
        }
    expect(refused).toBeGreaterThan(500)
  }, 90_000)

  test('that cannot be read ends with code 2', async () => {
    const { code, stderr } = await run(join(folder, 'none.json'))
    expect(code).toBe(2)
    expect(stderr).toBe('bptt verify: /none.json: cannot be read: there is no such file or folder\n')
  })
})

type Path = readonly (string | number)[]

/** The ways to all fields and to the first elements of lists, numbers in tensors left out. */
function paths(value: Json, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return []
  const keys = Array.isArray(value) ? [0] : Object.keys(value)
  return keys.flatMap(key => [[...path, key], ...paths(value[key], [...path, key])])
}

function replaced(whole: Json, path: Path, value: unknown): Json {
  const copy = structuredClone(whole)
  const last = path[path.length - 1]!
  const parent = path.slice(0, -1).reduce((at: Json, key) => at[key], copy)
  if (value === undefined && Array.isArray(parent)) parent.splice(Number(last), 1)
  else if (value === undefined) delete parent[last]
  else parent[last] = value
  return copy
}

/** Updates of a linear net with one number in each place, o = V U x over one step, by Adagrad with this rate. */
function adagradByHand(rate: (sum: number, t: number) => number): Json {
  const tensor = (...data: number[]): Json => ({ shape: data.map(() => 1), data: data.slice(0, 1) })
  const all = ({ U, W, V }: Record<'U' | 'W' | 'V', number>): Json => ({
    U: tensor(U, 0),
    W: tensor(W, 0),
    V: tensor(V, 0),
  })
  let p = { U: 0.5, W: 0.25, V: 2 }
  const sums = { U: 0.1, W: 0.1, V: 0.1 }
  const params = all(p)
  const steps = [0, 1, 2].map(t => {
    const [x, o] = [3, p.V * p.U * 3]
    const g = { U: o * p.V * x, W: 0, V: o * p.U * x }
    for (const name of ['U', 'W', 'V'] as const) {
      sums[name] += g[name] ** 2
      p = { ...p, [name]: p[name] - rate(sums[name], t) * g[name] }
    }
    const grad_norm = Math.hypot(g.U, g.V)
    return { loss: o ** 2 / 2, grad_norm, clip_coef: 1, grads: all(g), params_after: all(p) }
  })
  const batch = { inputs: tensor(3, 0, 0), targets: tensor(0, 0, 0) }
  const hyper = { lr: 0.5, lr_decay: 0.25, eps: 0.01, initial_accumulator_value: 0.1, weight_decay: 0 }
  const config = { layers: [{ type: 'linear', input: 1, hidden: 1 }], output: 1, loss: 'half_squared_error' }
  const run = { name: 'by hand', optimizer: 'Adagrad', hyper, steps }
  const found = { name: 'scalar', config, params, batches: [batch, batch, batch], runs: [run] }
  return { schema: 1, family: 'optim', cases: [found] }
}
