import { map, type OperatorFunction, pairwise } from 'rxjs'

/**
 * Pairs every value with the one after it: the samples of next-step prediction.
 * @category Start here
 */
export function nextStep<T>(): OperatorFunction<T, { readonly input: T; readonly target: T }> {
  return values =>
    values.pipe(
      pairwise(),
      map(([input, target]) => ({ input, target })),
    )
}
