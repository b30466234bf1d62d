import { evaluate, graph, item } from '@bptt/graph'
import { every, random } from '@bptt/unroll'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { main } from '../src/main.js'
import {
  descend,
  influences,
  influencesClosed,
  optimum,
  type Reached,
  segmentProgram,
} from '../src/reproduce/balancing.js'
import { sparkline, thinned } from '../src/reproduce/chart.js'
import { measureClipping } from '../src/reproduce/clipping.js'
import type { Claim, Course, Part } from '../src/reproduce/course.js'
import { fluid } from '../src/reproduce/fluid.js'
import { fuzzy } from '../src/reproduce/fuzzy.js'
import { influence } from '../src/reproduce/influence.js'
import { longRange } from '../src/reproduce/long-range.js'
import { plant, testInput } from '../src/reproduce/plant.js'
import { recall, told } from '../src/reproduce/recall.js'
import { lines } from '../src/reproduce/table.js'
import { vanishing } from '../src/reproduce/vanishing.js'
import { advanceLine, claimLines, conclusion, digits } from '../src/reproduce/view.js'
import { coloursFor } from '../src/terminal.js'

afterEach(() => {
  vi.restoreAllMocks()
})

interface Drained {
  readonly parts: readonly Part[]
  readonly claims: readonly Claim[]
}

/** An experiment to its end. */
function drain(course: Course): Drained {
  const parts: Part[] = []
  for (;;) {
    const step = course.next()
    if (step.done) return { parts, claims: step.value }
    if (step.value.kind === 'part') parts.push(step.value)
    else expect(step.value.done).toBeLessThanOrEqual(step.value.total)
  }
}

const failing = ({ claims }: Drained): readonly string[] =>
  claims.filter(({ held }) => !held).map(({ claim, found }) => `${claim}: ${found}`)

const recordsOf = ({ parts }: Drained, name: string): readonly Record<string, unknown>[] =>
  parts.find(part => part.name === name)!.records as Record<string, unknown>[]

async function reproduce(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    vi.spyOn(process[name], 'write').mockImplementation(text => {
      said[name] += String(text)
      return true
    })
  const code = await main(['reproduce', ...words])
  return { code, ...said }
}

describe('influence balancing', () => {
  const end = (K: number, clock: 'steps' | 'updates'): Reached =>
    [...descend(segmentProgram(), { schedule: every(K), steps: 400_000, clock })].at(-1)!

  test('has the influences of the reference, by the engine and in closed form', () => {
    const [made, closed] = [influences(120), influencesClosed(120)]
    made.forEach((G, k) => {
      expect(Math.abs(G - closed[k]!)).toBeLessThan(1e-13)
    })
    expect(made.slice(0, 10)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect([made[18], made[19]]).toEqual([16.476058959960938, 16.476058959960938])
    expect(made.findIndex(G => G < 0)).toBe(40)
    const mean = (L: number): number => made.slice(0, L).reduce((a, b) => a + b) / L
    expect([mean(109) > 0, mean(110) < 0]).toEqual([true, true])
  })

  test('ends where two independent implementations end', () => {
    expect(end(10, 'steps').theta).toBeCloseTo(131665.18, 2)
    expect(end(100, 'steps').theta).toBeCloseTo(1.89436816, 8)
    expect(end(200, 'steps').theta).toBeCloseTo(-0.16522408, 8)
    expect(end(10, 'updates')).toMatchObject({ step: 62_170, updates: 6217 })
    expect(end(100, 'updates').theta).toBeCloseTo(30280.33, 2)
    expect(Math.abs(end(200, 'updates').theta - optimum)).toBeLessThan(1e-15)
  })

  test('holds in every part, and keeps a trace of every run for plots', () => {
    const drained = drain(influence({ steps: 400_000, seeds: 1, clock: 'updates' }))
    expect(failing(drained)).toEqual([])
    expect(drained.claims).toHaveLength(7)
    const runs = [...recordsOf(drained, 'blocks'), ...recordsOf(drained, 'cuts')]
    expect(runs).toHaveLength(6 + 3 + 1)
    for (const { trace, theta, steps } of runs) {
      expect((trace as unknown[]).length).toBeGreaterThan(40)
      expect((trace as unknown[]).at(-1)).toEqual([steps, theta])
    }
  })

  test('is found not to hold where the runs are too short to converge', () => {
    const drained = drain(influence({ steps: 2000, seeds: 2, clock: 'steps' }))
    expect(failing(drained)).toContain('ARTBP, α = 4, converges to −1/6: 0 of 2 runs')
  })

  test('goes the wrong way with cuts that are not repaid', () => {
    const trace = [
      ...descend(segmentProgram(), { schedule: random({ c: 1 / 16 }), steps: 20_000, clock: 'updates' }),
    ]
    expect(trace.at(-1)!.theta).toBeGreaterThan(1)
    expect(trace.reduce((sum, { length }) => sum + length, 0)).toBe(20_000)
  })
})

describe('recall', () => {
  const events = [...recall({ lag: 4, spread: 3, events: 5000, seed: 3 })]
  const inputs = events.map(({ input }) => input as readonly number[])
  const targets = events.map(({ target }) => (target as readonly number[])[0]!)

  test('asks for the marked bit, never sooner than after the lag, and no other', () => {
    let [marked, since] = [0, 0]
    events.forEach(({ reset }, i) => {
      const [bit, mark, question] = inputs[i] as [number, number, number]
      since = reset ? 0 : since + 1
      if (mark === 1) marked = bit
      expect(mark).toBe(reset ? 1 : 0)
      expect(targets[i]).toBe(question === 1 ? marked : 0)
      if (question === 1) expect([4, 5, 6]).toContain(since)
    })
    expect(events).toHaveLength(5000)
  })

  test('cannot be told from the bits in between', () => {
    const at = targets.flatMap((target, i) =>
      target === 0 ? [] : [[target, inputs[i]![0]!, inputs[i - 1]![0]!] as const],
    )
    for (const which of [1, 2] as const) {
      const correlation = at.reduce((sum, row) => sum + row[0] * row[which], 0) / at.length
      expect(Math.abs(correlation)).toBeLessThan(4 / Math.sqrt(at.length))
    }
  })

  test('costs ln 2 where nothing is known, nothing where nothing is asked', () => {
    const made = graph({ y: [1], target: [1] }, ({ y, target }) => ({ nats: told(y, target) }))
    const nats = (y: number, target: number): number =>
      item(evaluate(made, { y: [y], target: [target] }).nats)
    expect(nats(0, 1)).toBeCloseTo(Math.LN2, 15)
    expect(nats(-3, -1)).toBeCloseTo(Math.log1p(Math.exp(-3)), 15)
    expect(nats(7, 0)).toBe(0)
  })
})

describe('long range', () => {
  test('runs every estimator with every seed, and says what it found', () => {
    const drained = drain(longRange({ events: 1000, seeds: 2, lag: 6 }))
    const runs = recordsOf(drained, 'recall')
    expect(runs).toHaveLength(14)
    for (const { bits } of runs) expect((bits as number[]).every(value => value > 0 && value < 3)).toBe(true)
    expect(failing(drained)).toContain('ARTBP solves it with segments half as long in the mean: 0 of 6 runs')
  })
})

describe('vanishing', () => {
  const drained = drain(vanishing({ steps: 20, hidden: 6, seed: 2 }))

  test('holds in every part', () => {
    expect(failing(drained)).toEqual([])
    expect(drained.claims).toHaveLength(8)
  })

  test('has radius^k in a linear net of rotations, and no more than the bound anywhere', () => {
    for (const { net, matrix, radius, singular, norms } of recordsOf(
      drained,
      'lags',
    ) as unknown as LagRecord[])
      norms.forEach((norm, k) => {
        if (net === 'linear' && matrix === 'orthogonal') expect(norm / radius ** k).toBeCloseTo(1, 10)
        expect(norm).toBeLessThanOrEqual(singular ** k * (1 + 1e-9))
      })
  })

  test('sees that ARTBP is unbiased, and clipped is not', () => {
    const { patterns, plainBias, clippedBias } = measureClipping(5)
    expect(patterns).toBe(128)
    expect(plainBias).toBeLessThan(1e-12)
    expect(clippedBias).toBeGreaterThan(0.01)
  })
})

interface LagRecord {
  readonly net: string
  readonly matrix: string
  readonly radius: number
  readonly singular: number
  readonly norms: readonly number[]
}

describe('fuzzy', () => {
  test('has the plant of the reference', () => {
    const ys = plant(testInput())
    const wanted = [0, 0.12533323356, 0.24868988716, 0.36243132935, 0.44370474695]
    wanted.forEach((y, k) => {
      expect(ys[k]).toBeCloseTo(y, 10)
    })
    expect(ys[599]).toBeCloseTo(-0.98480050826, 10)
    expect(ys[999]).toBeCloseTo(-0.23340143014, 10)
  })

  test('identifies it in free run, better than a linear model', () => {
    const drained = drain(fuzzy({ rules: 5, epochs: 40, seeds: 1 }))
    expect(failing(drained)).toEqual([])
    const [many, one] = recordsOf(drained, 'identification') as {
      rules: number
      after: number
      outputs: number[]
    }[]
    expect([many?.rules, one?.rules]).toEqual([5, 1])
    expect(many?.outputs).toHaveLength(1000)
    expect(many?.after).toBeLessThan(one?.after ?? 0)
  })
})

describe('fluid', () => {
  test('has the golden adjoint, and recovers the initial state', () => {
    const drained = drain(fluid({ iterations: 150 }))
    expect(failing(drained)).toEqual([])
    const state = recordsOf(drained, 'state') as { found: number; hidden: number }[]
    expect(state).toHaveLength(64)
    for (const { found, hidden } of state) expect(Math.abs(found - hidden)).toBeLessThan(0.1)
  })

  test('is found not to recover it in ten iterations', () => {
    expect(failing(drain(fluid({ iterations: 3 }))).some(claim => claim.startsWith('and recovers'))).toBe(
      true,
    )
  })
})

describe('bptt reproduce', () => {
  test('prints tables, the parts of the claim and a closing sentence', async () => {
    const { code, stdout, stderr } = await reproduce('fluid', '--iterations', '150')
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/J +0\.50712110739789 +0\.50712110739789/)
    expect(stdout).toMatch(/^✓ the adjoint is the golden one, to all digits given: apart by /m)
    expect(stdout).toMatch(/\nThe claim held, in all its 3 parts\. \(0:\d\d\)\n$/)
    expect(stdout).not.toContain('\u001B')
  })

  test('ends with code 1 and a sentence where the claim does not hold', async () => {
    const { code, stdout, stderr } = await reproduce('fluid', '--iterations', '10')
    expect(code).toBe(1)
    expect(stdout).toMatch(/^✗ and recovers the initial one: to [\d.]+ %$/m)
    expect(stderr).toMatch(
      /^bptt reproduce: the claim did not hold: .*and recovers the initial one \(to [\d.]+ %\)\n$/,
    )
  })

  test('with --json writes a record a line, the last one final', async () => {
    const { code, stdout } = await reproduce('fluid', '--iterations', '150', '--json')
    const records = stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(code).toBe(0)
    expect(records.every(({ experiment }) => experiment === 'fluid')).toBe(true)
    expect(new Set(records.map(({ part }) => part))).toEqual(
      new Set(['golden', 'descent', 'state', undefined]),
    )
    expect(records.filter(({ final }) => final)).toEqual([records.at(-1)])
    expect(records.at(-1)).toMatchObject({ ending: 'finished', held: true })
    expect(records.at(-1).claims).toHaveLength(3)
  })

  test('--help names the experiments, and each its options with an example', async () => {
    const { code, stdout } = await reproduce('--help')
    expect(code).toBe(0)
    const names = ['influence-balancing', 'long-range', 'vanishing', 'fuzzy', 'fluid']
    for (const name of names) expect(stdout).toMatch(new RegExp(`^ {2}${name} \\[options\\] `, 'm'))
    for (const name of names) {
      const help = await reproduce(name, '--help')
      expect(help.code).toBe(0)
      expect(help.stdout).toContain('--json')
      expect(help.stdout).toContain(`Example:\n  bptt reproduce ${name} --`)
    }
  })

  test.each([
    [['nonsense'], "bptt reproduce: unknown command 'nonsense'\n"],
    [
      ['fluid', '--iterations', '3'],
      "bptt reproduce: --iterations must be a whole number from 10 to 1000000, but is '3'\n",
    ],
    [
      ['long-range', '--seeds', '0'],
      "bptt reproduce: --seeds must be a whole number from 1 to 1000, but is '0'\n",
    ],
    [
      ['influence-balancing', '--clock', 'sun'],
      "bptt reproduce: --clock must be one of steps, updates, but is 'sun'\n",
    ],
    [['vanishing', '--radius', '2'], "bptt reproduce: unknown option '--radius'\n"],
  ])('refuses %j', async (words, message) => {
    expect(await reproduce(...words)).toEqual({ code: 2, stdout: '', stderr: message })
  })

  test('without an experiment prints the help and ends with code 2', async () => {
    const { code, stderr } = await reproduce()
    expect(code).toBe(2)
    expect(stderr).toContain('influence-balancing')
    expect(stderr).not.toContain('outputHelp')
  })
})

describe('what is shown', () => {
  test('a table has columns of numbers flush right, of texts flush left', () => {
    const rows = [
      ['a', '1', 'x'],
      ['long', '−12.5', ''],
    ]
    expect(lines({ head: ['name', 'n', 'note'], rows })).toEqual([
      'name      n  note',
      'a         1  x',
      'long  −12.5',
    ])
  })

  test('a sparkline spans its range, thins, and leaves out what is not finite', () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7])).toBe('▁▂▃▄▅▆▇█')
    expect(sparkline([0, Number.NaN, 7])).toBe('▁ █')
    expect(sparkline([5, 5])).toBe('▁▁')
    expect(sparkline([0, 1], 2, [0, 2])).toBe('▁▅')
    expect(thinned([0, 1, 2, 3, 4, 5, 6, 7, 8], 3)).toEqual([0, 4, 8])
  })

  test('progress has a rate and the time that is left', () => {
    const step = { kind: 'advance', done: 1000, total: 4000, unit: 'steps', what: 'every(10)' } as const
    expect(advanceLine(step, 10)).toBe('every(10) · 1,000 of 4,000 steps · 100 steps/s · 0:10, 0:30 left')
    expect(advanceLine({ ...step, done: 0 }, 0)).toContain('–')
  })

  test('numbers keep their digits and have a true minus sign', () => {
    expect([0, -0.5, 1234567, 1e-9, Number.NaN, -Infinity].map(value => digits(value, 3))).toEqual([
      '0',
      '−0.5',
      '1.23e+6',
      '1.00e-9',
      '–',
      '−∞',
    ])
  })

  test('claims are marked one by one, and summed up', () => {
    const claims = [
      { claim: 'a', held: true, found: '1 of 1' },
      { claim: 'b', held: false, found: '0 of 1' },
    ]
    expect(claimLines(claims, coloursFor({}))).toBe('✓ a: 1 of 1\n✗ b: 0 of 1')
    expect(conclusion(claims)).toBe('the claim did not hold: b (0 of 1)')
    expect(conclusion(claims.slice(0, 1))).toBe('The claim held.')
  })
})
