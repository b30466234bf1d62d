import { squaredError } from '@bptt/graph'
import { elman, every, withReadout } from '@bptt/unroll'
import { from } from 'rxjs'
import { expect, test } from 'vitest'
import { adam, type Evaluated, type KeyedSample, keyed, type Sample, trainer } from '../src/index.js'
import { collect, events, stopped } from './support.js'

const base = {
  model: withReadout(elman({ inputs: 2, hidden: 2 }), { outputs: 1 }),
  loss: squaredError,
  estimator: every(3),
  optimizer: adam(0.01),
  seed: 7,
}

const mixed = (keys: readonly string[], length: number, seed: number): KeyedSample[] =>
  events(length, { seed, period: 7 }).map((sample, i) => ({ ...sample, key: keys[(i * i) % keys.length]! }))

for (const engine of ['reference', 'compiled'] as const)
  test(`on the ${engine} engine, a model per key answers as a trainer of that key alone, and learns nothing`, () => {
    const options = { ...base, engine }
    const fleet = keyed({ ...options, models: 'own', resident: 1 })
    const learned = mixed(['a', 'b', 'c'], 20, 1)
    from(stopped(learned))
      .pipe(fleet.train())
      .subscribe({ error: () => undefined })
    const before = JSON.stringify(fleet.snapshot())
    const asked = mixed(['a', 'b', 'c', 'new'], 20, 2)
    const [said, outputs]: [(KeyedSample & Evaluated)[], Float64Array[]] = [[], []]
    from(asked)
      .pipe(fleet.evaluate())
      .subscribe(one => said.push(one))
    from(asked.map(({ input, key, reset = false }) => ({ input, key, reset })))
      .pipe(fleet.predict())
      .subscribe(({ output }) => outputs.push(output))
    expect(JSON.stringify(fleet.snapshot())).toBe(before)
    expect(outputs).toEqual(said.map(({ output }) => output))
    for (const key of new Set(asked.map(one => one.key))) {
      const alone = trainer(options)
      const own = (list: readonly KeyedSample[]): Sample[] => list.filter(one => one.key === key)
      collect(stopped(own(learned)), alone.train())
      const wanted: Evaluated[] = []
      from(own(asked))
        .pipe(alone.evaluate())
        .subscribe(one => wanted.push(one))
      expect(said.filter(one => one.key === key)).toEqual(wanted)
    }
  })

test('one model answers with the parameters as they are when an event comes', () => {
  const fleet = keyed({ ...base, engine: 'reference' })
  const ask = (): number[] => {
    const losses: number[] = []
    const one = { ...events(1)[0]!, key: 'k' }
    from([one, { ...one, reset: true }])
      .pipe(fleet.evaluate())
      .subscribe(({ loss }) => losses.push(loss))
    return losses
  }
  const losses: number[] = []
  const list = [0, 1].map(() => ({ ...events(1)[0]!, key: 'k', reset: true }))
  const source = (function* () {
    yield list[0]!
    from(stopped(mixed(['a', 'b'], 30, 3)))
      .pipe(fleet.train())
      .subscribe({ error: () => undefined })
    yield list[1]!
  })()
  from(source)
    .pipe(fleet.evaluate())
    .subscribe(({ loss }) => losses.push(loss))
  expect(losses[0]).not.toBe(losses[1])
  expect(ask()).toEqual([losses[1], losses[1]])
})

test('an event without a key, or that does not fit, is refused', () => {
  const fleet = keyed({ ...base, engine: 'reference' })
  const failed = (event: unknown): unknown => {
    let failure: unknown
    from([event as KeyedSample])
      .pipe(fleet.predict())
      .subscribe({ error: error => (failure = error) })
    return failure
  }
  expect(failed({ input: [1, 2] })).toMatchObject({
    code: 'bad-sample',
    message: 'an event: its key is undefined; a keyed trainer tells streams apart by strings',
  })
  expect(failed({ input: [1], key: 'k' })).toMatchObject({
    code: 'bad-sample',
    message: "event 1 of key 'k': its input is a list of 1; the model's are [2]",
  })
})
