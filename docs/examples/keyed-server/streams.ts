import { adam, chain, clipByGlobalNorm, nextStep, squaredError, trainer } from '@bptt/stream'
import { artbp, gru, withReadout } from '@bptt/unroll'
import { map, Subject } from 'rxjs'

/** What is said to a value of a stream. */
export interface Answer {
  /** What the model had expected in its place; undefined for the first. */
  readonly expected: number | undefined
  /** What it expects next. */
  readonly next: number
  /** Values it has learned from. */
  readonly learned: number
}

/** The most streams at once; the one not heard of for longest makes room. */
const most = 1000

/** A model per key, made as the key is first met; all learn alike and apart. */
export class Streams {
  readonly #streams = new Map<string, (value: number) => Answer>()

  /** Takes a value of a stream: it is learned from, and answered. */
  take(key: string, value: number): Answer {
    const take = this.#streams.get(key) ?? stream()
    this.#streams.delete(key)
    this.#streams.set(key, take) // a Map keeps the order of insertion: the first key is the oldest
    if (this.#streams.size > most) this.#streams.delete(this.#streams.keys().next().value!)
    return take(value)
  }
}

/** One stream, that learns to expect its next value. */
function stream(): (value: number) => Answer {
  const online = trainer({
    model: withReadout(gru({ inputs: 1, hidden: 8 }), { outputs: 1 }),
    loss: squaredError,
    estimator: artbp({ mean: 10, tail: 4, seed: 1 }),
    optimizer: chain(clipByGlobalNorm(1), adam(3e-2)),
  })
  const values = new Subject<readonly number[]>()
  let [learned, next]: [number, number | undefined] = [0, undefined]
  values.pipe(nextStep(), online.train()).subscribe(({ events }) => {
    learned = events
  })
  values
    .pipe(
      map(input => ({ input })),
      online.predict(),
    )
    .subscribe(({ output }) => {
      next = output[0]
    })
  return value => {
    const expected = next
    values.next([value])
    return { expected, next: next!, learned }
  }
}
