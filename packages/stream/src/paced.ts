import { GraphError } from '@bptt/graph'
import { asyncScheduler, Observable, type SchedulerLike, type Subscriber } from 'rxjs'

/** How long work goes on at a stretch. */
export interface PaceOptions {
  /** Milliseconds of work before the event loop gets its turn; 0: one event a turn. */
  readonly yieldEvery?: number
}

/** @throws GraphError `bad-setting`. */
export function checkPace({ yieldEvery = 0 }: PaceOptions): void {
  if (!(yieldEvery >= 0))
    throw new GraphError(
      'bad-setting',
      'trainer',
      `yieldEvery is ${yieldEvery}; it is a number of milliseconds ≥ 0`,
    )
}

/**
 * What can be waited for as an Observable: the next value is read when the one before has been taken, and the event loop gets its turn
 * after every `yieldEvery` ms of work, also where nothing has to be waited for.
 */
export function paced<T>(
  source: Iterable<T> | AsyncIterable<T>,
  yieldEvery: number,
  scheduler: SchedulerLike = asyncScheduler,
): Observable<T> {
  return new Observable(observer => {
    const iterator =
      Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
    const turn = (): Promise<void> =>
      new Promise(resolve => {
        scheduler.schedule(() => resolve())
      })
    let ended = false
    read(iterator, observer, yieldEvery, { now: () => scheduler.now(), turn }).then(
      over => {
        ended = over
        if (over) observer.complete()
      },
      error => {
        ended = true
        observer.error(error)
      },
    )
    return () => {
      if (!ended) Promise.resolve(iterator.return?.()).catch(() => undefined)
    }
  })
}

interface Clock {
  readonly now: () => number
  readonly turn: () => Promise<void>
}

/** Reads to the end, which is true, or until nobody listens. */
async function read<T>(
  iterator: Iterator<T> | AsyncIterator<T>,
  observer: Subscriber<T>,
  yieldEvery: number,
  { now, turn }: Clock,
): Promise<boolean> {
  let until = now() + yieldEvery
  while (!observer.closed) {
    const next = iterator.next()
    const { done, value } = next instanceof Promise ? await next : next
    if (observer.closed) return false
    if (done) return true
    observer.next(value)
    if (now() < until) continue
    await turn()
    until = now() + yieldEvery
  }
  return false
}
