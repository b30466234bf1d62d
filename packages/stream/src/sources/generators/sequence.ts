import { GraphError } from '@bptt/graph'
import { from, type Observable } from 'rxjs'

/** Values without end, the same every time: iterable from any position, as an array, or as an Observable. */
export interface Sequence<T> extends Iterable<T> {
  /** The values from position `start` ≥ 0 on. */
  from(start: number): Iterable<T>
  /** `count` values from `start` (0 by default) on. */
  take(count: number, start?: number): T[]
  /** The values from `start` on as an Observable that emits as fast as it is read: end it with `take(n)` of rxjs. */
  stream(start?: number): Observable<T>
}

/** A sequence, given how to begin at a position. */
export function sequence<T>(name: string, begin: (start: number) => Iterator<T>): Sequence<T> {
  const at = (start: number): Iterable<T> => {
    checkWhole(name, 'the position', start, 0)
    return { [Symbol.iterator]: () => begin(start) }
  }
  return {
    [Symbol.iterator]: () => begin(0),
    from: at,
    take: (count, start = 0) => {
      const values = at(start)[Symbol.iterator]()
      return Array.from({ length: count }, () => values.next().value as T)
    },
    stream: (start = 0) => from(at(start)),
  }
}

/** A sequence whose values are a function of the position. */
export function tabulated<T>(name: string, value: (t: number) => T): Sequence<T> {
  return sequence(name, function* (start) {
    for (let t = start; ; t++) yield value(t)
  })
}

/** A sequence that is computed step by step: to begin later, the steps before are made too. */
export function computed<T>(name: string, begin: () => Iterator<T>): Sequence<T> {
  return sequence(name, start => {
    const values = begin()
    for (let t = 0; t < start; t++) values.next()
    return values
  })
}

/** @throws GraphError `bad-setting` where a number is not whole or below `least`. */
export function checkWhole(where: string, what: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return
  throw new GraphError('bad-setting', where, `${what} is ${value}; it is a whole number ≥ ${least}`)
}

/** @throws GraphError `bad-setting` where a number is not finite and above 0. */
export function checkPositive(where: string, what: string, value: number): void {
  if (value > 0 && value < Number.POSITIVE_INFINITY) return
  throw new GraphError('bad-setting', where, `${what} is ${value}; it is a finite number > 0`)
}
