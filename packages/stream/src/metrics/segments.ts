import { GraphError } from '@bptt/graph'
import type { Metric } from './metric.js'

/** State of `segmentLengths`. */
export interface SegmentState {
  readonly count: number
  readonly events: number
  readonly longest: number
  /** Segments of 2^k to 2^(k + 1) − 1 events, by k. */
  readonly bins: readonly number[]
}

/** How far credit went back: the segments between cuts, in events. */
export interface SegmentLengths {
  readonly count: number
  readonly mean: number
  readonly longest: number
  /** Segments by length, `from` and `to` included; lengths double from one to the next. Up to the longest. */
  readonly histogram: readonly { readonly from: number; readonly to: number; readonly count: number }[]
}

/** The lengths of segments. Memory grows with the longest one: it is what the tape held. */
export function segmentLengths(): Metric<{ readonly length: number }, SegmentState, SegmentLengths> {
  const merge = (first: SegmentState, second: SegmentState): SegmentState => ({
    count: first.count + second.count,
    events: first.events + second.events,
    longest: Math.max(first.longest, second.longest),
    bins: Array.from(
      { length: Math.max(first.bins.length, second.bins.length) },
      (_, k) => (first.bins[k] ?? 0) + (second.bins[k] ?? 0),
    ),
  })
  return {
    init: () => ({ count: 0, events: 0, longest: 0, bins: [] }),
    update: (state, { length }) => merge(state, single(length)),
    value: ({ count, events, longest, bins }) => ({
      count,
      mean: events / count,
      longest,
      histogram: bins.map((count, k) => ({ from: 2 ** k, to: 2 ** (k + 1) - 1, count })),
    }),
    merge,
  }
}

function single(length: number): SegmentState {
  if (!(Number.isSafeInteger(length) && length >= 1))
    throw new GraphError(
      'bad-metric',
      'segmentLengths',
      `length is ${length}; a segment has a whole number of events, at least 1`,
    )
  const bin = Math.floor(Math.log2(length))
  return { count: 1, events: length, longest: length, bins: [...new Array<number>(bin).fill(0), 1] }
}
