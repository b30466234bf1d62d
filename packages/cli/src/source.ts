import type { Sample } from '@bptt/stream'

/** When a reading ends; with neither limit, after one pass. */
export interface Limits {
  readonly seconds?: number
  /** Events learned from, those before a resumption included. */
  readonly steps?: number
}

/** Events that can be read from any place on. */
export interface Stream {
  /** The events of one pass from place `at` on. */
  readonly from: (at: number) => AsyncIterable<Sample> | Iterable<Sample>
  /** Events in a pass; undefined where nobody knows: such a stream is read once. */
  readonly length: number | undefined
}

/** How a stream is read. */
export interface Reading {
  readonly limits: Limits
  /** Events after which the carry is reset; undefined for never within a pass. */
  readonly episode?: number | undefined
  /** Events to pass over, read by a run that this one resumes; 0 where not given. */
  readonly from?: number | undefined
  /** Ends the reading at the next event. */
  readonly signal: AbortSignal
  /** Seconds on a clock that only goes forward. */
  readonly now?: () => number
}

/** Seconds between two turns given to the event loop. */
const turnEvery = 0.015

/**
 * The events of a stream, pass after pass until a limit; each pass but the first begins with a reset carry. Gives the event loop a
 * turn every 15 ms, so that timers, signals and the terminal are served while the consumer computes.
 */
export async function* events(stream: Stream, reading: Reading): AsyncGenerator<Sample, void, void> {
  const { limits, episode, from = 0, signal, now = () => performance.now() / 1000 } = reading
  const { length = Infinity } = stream
  const [steps, end] = [lastStep(limits, length), now() + (limits.seconds ?? Infinity)]
  let [t, turned] = [from, now()]
  while (t < steps && length > 0) {
    let place = length === Infinity ? t : t % length
    for await (const sample of stream.from(place)) {
      if (now() - turned >= turnEvery) {
        await turn()
        turned = now()
      }
      if (signal.aborted || now() >= end) return
      const anew = t > 0 && (place === 0 || (episode !== undefined && place % episode === 0))
      yield anew ? { ...sample, reset: true } : sample
      place++
      if (++t >= steps) return
    }
    if (length === Infinity) return
  }
}

/** The characters of a text, each with its successor as target: `{input: x_t, target: x_(t+1)}`. */
export function characters(ids: ArrayLike<number>): Stream {
  const length = Math.max(0, ids.length - 1)
  return {
    length,
    *from(at) {
      for (let i = at; i < length; i++) yield { input: ids[i]!, target: ids[i + 1]! }
    },
  }
}

/** How often the stream has been begun after `events` learned from, counted from 1; `length` is that of a pass. */
export function passOf(events: number, length: number): number {
  return Math.floor(Math.max(events - 1, 0) / Math.max(length, 1)) + 1
}

/** The number of events a reading ends after, time permitting: without limits, those of a pass. */
export function lastStep({ seconds, steps }: Limits, length: number): number {
  if (length === 0) return 0
  return steps ?? (seconds === undefined ? length : Infinity)
}

function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
