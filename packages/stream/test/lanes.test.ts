import { squaredError, type Tensor } from '@bptt/graph'
import { artbp, every, full, type Schedule } from '@bptt/unroll'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { estimatorOf } from '../src/estimators/segments.js'
import { adam, type Sample, type TrainerOptions, trainer } from '../src/index.js'
import { Cutter, startCutting } from '../src/window.js'
import {
  accumulate,
  bits,
  collect,
  events,
  expectClose,
  net,
  noise,
  stopped,
  throughJson,
} from './support.js'

const base: Omit<TrainerOptions, 'estimator'> = {
  model: net,
  loss: squaredError,
  optimizer: accumulate,
  engine: 'reference',
  seed: 7,
}

const schedules: fc.Arbitrary<Schedule> = fc.oneof(
  fc.constant(full()),
  fc.integer({ min: 1, max: 6 }).map(K => every(K)),
  fc.nat(1e6).map(seed => artbp({ mean: 3, tail: 4, seed })),
)

/** Streams of lanes with resets and weights of their own. */
const streamsOf = (lanes: number, length: number, seed: number): Sample[][] =>
  Array.from({ length: lanes }, (_, lane) => {
    const chances = noise(seed + lane, 2 * length)
    return events(length, { seed: seed + lane }).map((sample, i) => ({
      ...sample,
      ...(chances[2 * i]! > 0.7 && { reset: true }),
      ...(chances[2 * i + 1]! > 0 && { weight: Math.floor(4 * chances[2 * i + 1]!) }),
    }))
  })

const rowsOf = (streams: readonly Sample[][]): Sample[][] =>
  streams[0]!.map((_, i) => streams.map(stream => stream[i]!))

/** The schedule as the lane of this number sees it, for a trainer of that lane alone. */
const asLane = (schedule: Schedule, lane: number): Schedule => ({
  ...schedule,
  weight: edge => schedule.weight({ ...edge, stream: lane }),
})

const sumOf = (online: { snapshot(): { slots: unknown } }): Record<string, unknown> =>
  (online.snapshot().slots as { sum: Record<string, unknown> }).sum

describe('lanes', () => {
  test('with parameters that stay learn what trainers of each lane alone do, whatever is cut and reset', () => {
    fc.assert(
      fc.property(
        schedules,
        fc.integer({ min: 2, max: 4 }),
        fc.integer({ min: 1, max: 20 }),
        fc.nat(1e4),
        (schedule, lanes, length, seed) => {
          const streams = streamsOf(lanes, length, seed)
          const together = trainer({ ...base, estimator: schedule, lanes })
          const { error } = collect(rowsOf(streams), together.train())
          expect(error).toBeUndefined()
          const alone = streams.map((stream, lane) => {
            const online = trainer({ ...base, estimator: asLane(schedule, lane) })
            expect(collect(stream, online.train()).error).toBeUndefined()
            return online
          })
          expectClose(sumOf(together), added(alone.map(online => sumOf(online) as Flat)))
          alone.forEach((online, lane) => {
            const carry = online.snapshot().carry as Flat
            for (const [name, { data, shape }] of Object.entries(together.snapshot().carry as Flat)) {
              const width = data.length / lanes
              const row = data.slice(lane * width, (lane + 1) * width)
              expectClose({ [name]: { shape: [1, ...shape.slice(1)], data: row } }, { [name]: carry[name]! })
            }
          })
          const [sum, weight] = alone.reduce(
            ([s, w], online) => {
              const { prequential } = online.snapshot().counters
              return [s + prequential.sum + prequential.lost, w + prequential.weight]
            },
            [0, 0],
          )
          const { prequential } = together.snapshot().counters
          expect(prequential.weight).toBe(weight)
          expect(prequential.sum + prequential.lost).toBeCloseTo(sum, 10)
        },
      ),
      { numRuns: 25 },
    )
  })

  test('that end segments together make one update of them all', () => {
    const streams = [1, 2, 3].map(seed => events(12, { seed }))
    const online = trainer({ ...base, estimator: every(4), lanes: 3 })
    const { reports } = collect(rowsOf(streams), online.train())
    expect(reports.map(({ length, weight }) => [length, weight])).toEqual([
      [12, 12],
      [12, 12],
      [12, 12],
    ])
  })

  test('wait for each other, and hold what is not learned from yet, no more', () => {
    const schedule: Schedule = {
      text: 'odd',
      weight: ({ t, stream }) => (stream === 0 || t % 3 === 0 ? 0 : 1),
    }
    const { cuts } = estimatorOf(schedule)
    const cutter = new Cutter(cuts, startCutting(cuts, 2))
    const row = [0, 1].map(x => ({ input: x, target: x }))
    const lengths = Array.from({ length: 7 }, () => cutter.push(row).map(({ lanes }) => lanes.map(held)))
    expect(lengths).toEqual([[], [], [[3, 3]], [], [], [[3, 3]], []])
    expect(cutter.open.lanes.map(held)).toEqual([1, 1])
    expect(cutter.flush().map(({ lanes }) => lanes.map(held))).toEqual([[1, 1]])
  })

  test('go on from a snapshot with the same bits, on both engines', () => {
    fc.assert(
      fc.property(schedules, fc.nat(20), fc.boolean(), fc.nat(1e4), (estimator, at, compiled, seed) => {
        const options = {
          ...{ ...base, optimizer: adam(0.01), estimator, lanes: 3 },
          engine: compiled ? ('compiled' as const) : ('reference' as const),
        }
        const rows = rowsOf(streamsOf(3, 20, seed))
        const whole = trainer(options)
        const { reports } = collect(rows, whole.train())
        const first = trainer(options)
        const before = collect(stopped(rows.slice(0, at)), first.train()).reports
        const second = trainer({
          ...options,
          from: throughJson(first.snapshot()),
        })
        const after = collect(rows.slice(at), second.train()).reports
        expect([...before, ...after]).toEqual(reports)
        const [a, b] = [whole.snapshot(), second.snapshot()]
        expect([bits(b.params), bits(b.slots), bits(b.carry)]).toEqual([
          bits(a.params),
          bits(a.slots),
          bits(a.carry),
        ])
        expect([b.counters, b.open]).toEqual([a.counters, a.open])
      }),
      { numRuns: 12 },
    )
  })

  test('refuse a row of another length and name the lane of a bad event', () => {
    const online = trainer({ ...base, estimator: every(4), lanes: 2 })
    const [good, other] = events(2) as [Sample, Sample]
    const failed = (row: unknown): unknown => collect([row as Sample[]], online.train()).error
    expect(failed([good])).toMatchObject({
      code: 'bad-sample',
      message: 'event 1: is a list of 1; with 2 lanes an event is a list of 2 samples',
    })
    expect(failed(good)).toMatchObject({
      message: 'event 1: is no list; with 2 lanes an event is a list of 2 samples',
    })
    expect(failed([good, { ...other, input: [1] }])).toMatchObject({
      code: 'bad-sample',
      message: "event 1 of lane 1: its input is a list of 1; the model's are [2]",
    })
    for (const lanes of [0, 1.5, Number.NaN])
      expect(() => trainer({ ...base, estimator: every(4), lanes })).toThrow(
        `trainer: lanes is ${lanes}; there is a whole number of lanes ≥ 1`,
      )
  })
})

describe('weights of events', () => {
  test('scale losses and gradients; an event of weight 0 moves the state only', () => {
    const samples = events(6)
    const [plain, silent, double] = [undefined, 0, 2].map(weight => {
      const online = trainer({ ...base, estimator: every(3) })
      const weighted = weight === undefined ? samples : samples.map(sample => ({ ...sample, weight }))
      const { reports } = collect(weighted, online.train())
      return { reports, sum: sumOf(online) as Flat, carry: online.snapshot().carry }
    }) as unknown as [Run, Run, Run]
    expectClose(double.sum, scaled(plain.sum, 2))
    expectClose(silent.sum, scaled(plain.sum, 0), 0)
    expectClose(silent.carry, plain.carry, 0)
    expect(double.reports.map(({ loss }) => loss)).toEqual(plain.reports.map(({ loss }) => loss))
    expect(silent.reports.map(({ loss, prequential, weight }) => [loss, prequential, weight])).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ])
  })

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 'x'])(
    'that are %s are refused as they come',
    weight => {
      const online = trainer({ ...base, estimator: every(3) })
      const { error } = collect([{ ...events(1)[0]!, weight: weight as number }], online.train())
      expect(error).toMatchObject({
        code: 'bad-sample',
        message:
          `event 1: its weight is ${weight}; weights are finite numbers ≥ 0\n` +
          'hint: weight 0 moves the state and learns nothing from the loss',
      })
    },
  )
})

type Flat = Record<string, Tensor>
type Run = {
  readonly reports: readonly { loss: number; prequential: number; weight: number }[]
  readonly sum: Flat
  readonly carry: unknown
}

const held = ({ samples }: { readonly samples: readonly unknown[] }): number => samples.length

const scaled = (tree: Flat, by: number): Flat => mapLeaves(tree, data => data.map(x => x * by))

function added(trees: readonly Flat[]): Flat {
  return trees.reduce((total, tree) =>
    mapLeaves(total, (data, name) => data.map((x, i) => x + flatten(tree).get(name)![i]!)),
  )
}

const flatten = (tree: unknown, prefix = ''): Map<string, Float64Array> =>
  new Map(
    Object.entries(tree as Flat).flatMap(([key, value]) =>
      value.data instanceof Float64Array
        ? [[prefix + key, value.data] as const]
        : [...flatten(value, `${prefix}${key}.`)],
    ),
  )

function mapLeaves(
  tree: Flat,
  change: (data: Float64Array, name: string) => Float64Array,
  prefix = '',
): Flat {
  return Object.fromEntries(
    Object.entries(tree).map(([key, value]) => [
      key,
      value.data instanceof Float64Array
        ? { shape: value.shape, data: change(value.data, prefix + key) }
        : (mapLeaves(value as unknown as Flat, change, `${prefix}${key}.`) as unknown as Tensor),
    ]),
  )
}
