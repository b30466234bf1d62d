import { GraphError } from '@bptt/graph'
import { checkSteps, isWhole, shown } from './checks.js'

/** Sizes of BPTT(h; h′), in steps. */
export interface WindowSizes {
  /** Steps h that a window goes back over, ≥ `every`. */
  readonly h: number
  /** A window every h′ steps, with the losses of the newest h′; 1 (sliding) where not given. */
  readonly every?: number
}

/** One backward pass: back from step `last` to step `first`, with the losses of the steps `from` to `last`. Steps count from 1. */
export interface Window {
  readonly first: number
  readonly last: number
  readonly from: number
}

/** The windows of BPTT(h; h′) over a timeline. */
export interface WindowPlan {
  readonly h: number
  readonly every: number
  readonly windows: readonly Window[]
}

/**
 * The windows of BPTT(h; h′) over T steps [williams-peng1990]. Every h′ steps one goes back over h; where T is no
 * multiple of h′, the last one ends at T.
 * @throws GraphError `bad-windows`, `bad-steps`.
 */
export function windowPlan(steps: number, { h, every = 1 }: WindowSizes): WindowPlan {
  checkSteps('windows', steps)
  if (!isWhole(every, 1))
    throw new GraphError(
      'bad-windows',
      'windows',
      `every is ${shown(every)}; a window comes every h′ steps, a whole number ≥ 1`,
      'every: 1 slides, one window per loss',
    )
  if (!isWhole(h, every))
    throw new GraphError(
      'bad-windows',
      'windows',
      `h is ${shown(h)} and every is ${every}; a window goes back over a whole number of steps h ≥ h′`,
      `h = ${2 * every} is twice as far as windows are apart, the usual choice`,
    )
  const windows = Array.from({ length: Math.ceil(steps / every) }, (_, i) => {
    const last = Math.min(steps, (i + 1) * every)
    return { first: Math.max(1, last - h + 1), last, from: i * every + 1 }
  })
  return { h, every, windows }
}

/** How many lags the loss of each step keeps, the step's own use of the parameters included: t − first + 1. */
export function lagsOf({ windows }: WindowPlan): readonly number[] {
  return windows.flatMap(({ first, last, from }) =>
    Array.from({ length: last - from + 1 }, (_, i) => from + i - first + 1),
  )
}

/** One line a window: `·` a step it goes back over, `●` one whose loss it takes. */
export function drawWindows({ h, every, windows }: WindowPlan): string {
  const rows = windows.map(
    ({ first, last, from }) => ' '.repeat(first - 1) + '·'.repeat(from - first) + '●'.repeat(last - from + 1),
  )
  return [`BPTT(${h}; ${every})`, ...rows].join('\n')
}
