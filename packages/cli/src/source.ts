import type { Sample } from '@bptt/stream'

/** When the reading of a text ends; with neither limit, after one pass. */
export interface Limits {
  readonly seconds?: number
  /** Characters learned from, those before a resumption included. */
  readonly steps?: number
}

/** A text as ids, and how it is read. */
export interface Reading {
  readonly ids: ArrayLike<number>
  readonly limits: Limits
  /** Characters after which the carry is reset; undefined for never within a pass. */
  readonly episode?: number | undefined
  /** Characters to pass over, read by a run that this one resumes; 0 where not given. */
  readonly from?: number | undefined
  /** Ends the reading at the next character. */
  readonly signal: AbortSignal
  /** Seconds on a clock that only goes forward. */
  readonly now?: () => number
}

/** Seconds between two turns given to the event loop. */
const turnEvery = 0.015

/**
 * The characters of a text in order, each with its successor as target: `{input: x_t, target: x_(t+1)}`.
 *
 * At the end of the text it starts again, with a reset carry. Gives the event loop a turn every 15 ms, so that
 * timers, signals and the terminal are served while the consumer computes.
 */
export async function* characters(reading: Reading): AsyncGenerator<Sample, void, void> {
  const { ids, signal, now = () => performance.now() / 1000 } = reading
  const pairs = ids.length - 1
  const steps = lastStep(reading.limits, ids.length)
  const end = now() + (reading.limits.seconds ?? Infinity)
  let turned = now()
  for (let t = reading.from ?? 0; t < steps && now() < end; t++) {
    if (now() - turned >= turnEvery) {
      await turn()
      turned = now()
    }
    if (signal.aborted) return
    yield sample(ids, t, t % pairs, reading.episode)
  }
}

/** How often the text has been begun after `events` characters learned from, counted from 1. */
export function passOf(events: number, length: number): number {
  return Math.floor(Math.max(events - 1, 0) / Math.max(length - 1, 1)) + 1
}

/** The number of characters a reading ends after, time permitting: without limits, all that have a successor. */
export function lastStep({ seconds, steps }: Limits, length: number): number {
  if (length < 2) return 0
  return steps ?? (seconds === undefined ? length - 1 : Infinity)
}

function sample(ids: ArrayLike<number>, t: number, at: number, episode: number | undefined): Sample {
  const pair = { input: ids[at] as number, target: ids[at + 1] as number }
  const fresh = t > 0 && (at === 0 || (episode !== undefined && at % episode === 0))
  return fresh ? { ...pair, reset: true } : pair
}

function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
