import { type Shape, sizeOf, type Tensor } from '@bptt/graph'
import { eventShapes, type Site } from './estimator.js'
import { newRooms, type Rooms } from './rooms.js'
import type { Sample, Value } from './sample.js'
import type { Segment, Window } from './window.js'

/** How a window lies in tensors [T, lanes, ...]. */
export interface Grid {
  /** Number of steps T; that of the longest lane where not given. */
  readonly steps?: number
  /** Where a lane has fewer steps: `end` fills up behind its events (the default), `start` before them. */
  readonly pad?: 'start' | 'end'
}

/** What a window may be read as. */
export interface Columns {
  readonly xs: Tensor
  readonly targets: Tensor
  /** Weight of every loss; 0 where a lane has no event. */
  readonly weights: Tensor
  /** Weight of the edge into every step. */
  readonly credit: Tensor
  /** 1 where the carry starts anew. */
  readonly reset: Tensor
  /** 0 where a lane has no event. */
  readonly mask: Tensor
}

/** Reads windows of a model as tensors, column by column. */
export function columns(
  site: Site,
  grid: Grid = {},
): { readonly [K in keyof Columns]: (window: Window, rooms?: Rooms) => Tensor } {
  const { input, target } = eventShapes(site)
  const column =
    (name: keyof Columns, shape: Shape, of: (segment: Segment, i: number) => Value) =>
    (window: Window, rooms: Rooms = newRooms): Tensor =>
      filledIn(window, grid, { shape, of, room: size => rooms(name, size) })
  return {
    xs: column('xs', input, ({ samples }, i) => samples[i]!.input),
    targets: column('targets', target, ({ samples }, i) => samples[i]!.target),
    weights: column('weights', [], ({ samples }, i) => samples[i]!.weight ?? 1),
    credit: column('credit', [], ({ credit }, i) => credit[i]!),
    reset: column('reset', [], ({ samples }, i) => (samples[i]!.reset ? 1 : 0)),
    mask: column('mask', [], () => 1),
  }
}

/** Steps of the longest lane. */
export function stepsOf({ lanes }: Window): number {
  let most = 0
  for (const { samples } of lanes) most = Math.max(most, samples.length)
  return most
}

interface Column {
  readonly shape: Shape
  readonly of: (segment: Segment, i: number) => Value
  readonly room: (size: number) => Float64Array
}

/** One value per event in [T, lanes, ...shape]; 0 where a lane has none. */
function filledIn(
  window: Window,
  { steps = stepsOf(window), pad = 'end' }: Grid,
  { shape, of, room }: Column,
): Tensor {
  const B = window.lanes.length
  const width = sizeOf(shape as readonly number[])
  const data = room(steps * B * width)
  for (let b = 0; b < B; b++) {
    const segment = window.lanes[b]!
    const { length } = segment.samples
    const front = pad === 'end' ? 0 : steps - length
    for (let i = 0; i < length; i++) {
      const value = of(segment, i)
      const at = ((front + i) * B + b) * width
      if (typeof value === 'number') data[at] = value
      else for (let k = 0; k < width; k++) data[at + k] = value[k]! // events are short: set costs more
    }
  }
  return { shape: [steps, B, ...(shape as readonly number[])], data }
}

/** Sum of the weights of a window's events, their number, and that of events dropped before them. */
export function weigh({ lanes }: Window): {
  readonly weight: number
  readonly length: number
  readonly dropped: number
} {
  let [weight, length, dropped] = [0, 0, 0]
  for (const { samples } of lanes) {
    length += samples.length
    for (const sample of samples as readonly Sample[]) {
      weight += sample.weight ?? 1
      dropped += sample.dropped ?? 0
    }
  }
  return { weight, length, dropped }
}
