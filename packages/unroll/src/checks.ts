import { GraphError } from '@bptt/graph'

/** A value as messages show it: text in quotes, so that '3' is not taken for 3. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

/** True for a whole number in [least, below). */
export function isWhole(value: unknown, least: number, below: number = Number.POSITIVE_INFINITY): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) < below
}

/**
 * Checks a number of steps T.
 * @throws GraphError `bad-steps`.
 */
export function checkSteps(where: string, steps: unknown): void {
  if (!isWhole(steps, 1))
    throw new GraphError(
      'bad-steps',
      where,
      `steps is ${shown(steps)}; a timeline has a whole number of steps ≥ 1`,
      'the number of steps is the length of the first axis of xs',
    )
}

/**
 * Checks a number of steps, or the name of an axis that is bound at run time.
 * @throws GraphError `bad-steps`.
 */
export function checkStepsOrAxis(where: string, steps: unknown): void {
  if (!isLength(steps))
    throw new GraphError(
      'bad-steps',
      where,
      `steps is ${shown(steps)}; a timeline has a whole number of steps ≥ 1, or a named axis`,
      "steps: 'T' takes sequences of any length",
    )
}

/** True for a whole number ≥ 1, and for a name; text that reads as a number is a slip and no name. */
export function isLength(value: unknown): boolean {
  return typeof value === 'string' ? Number.isNaN(Number(value)) : isWhole(value, 1)
}
