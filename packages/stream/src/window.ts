import type { Schedule } from '@bptt/unroll'
import { plain, type Sample } from './sample.js'

/** Consecutive events that are learned from in one update: a segment between two cuts of credit. */
export interface Window {
  readonly samples: readonly Sample[]
  /** Weight of the edge into each step; 1 for the first, whose edge was cut or does not exist. */
  readonly credit: readonly number[]
  /** True where the carry is reset before the first step. */
  readonly fresh: boolean
}

/** Where the cutting of a stream stands: the open segment and the counters of the schedule. Plain data. */
export interface Cutting {
  readonly samples: readonly Sample[]
  readonly credit: readonly number[]
  readonly fresh: boolean
  /** Edges drawn so far; edge t leaves event t, counted from 1. */
  readonly t: number
  /** Weight of the edge into the next event, where the segment is open. */
  readonly pending: number
}

/** Before the first event. */
export const START: Cutting = { samples: [], credit: [], fresh: false, t: 0, pending: 1 }

/**
 * Cuts a stream of events into windows where a schedule cuts credit, and before every reset.
 *
 * The weight of each edge is drawn when the event it leaves arrives, before later events are seen. Holds the events of the open
 * segment only. `open` is a plain-data copy of where it stands; a cutter made from it goes on with the same coins.
 */
export class Cutter {
  readonly #schedule: Schedule
  #samples: Sample[]
  #credit: number[]
  #fresh: boolean
  #t: number
  #pending: number

  constructor(schedule: Schedule, from: Cutting = START) {
    this.#schedule = schedule
    this.#samples = [...from.samples]
    this.#credit = [...from.credit]
    this.#fresh = from.fresh
    this.#t = from.t
    this.#pending = from.pending
  }

  /** Takes one event; the windows it completes: none, one, or two where a reset ends one and a cut the next. */
  push(sample: Sample): readonly Window[] {
    const ended = sample.reset ? this.flush() : []
    if (sample.reset) this.#fresh = true
    this.#samples.push(plain(sample))
    this.#credit.push(this.#samples.length === 1 ? 1 : this.#pending)
    this.#t++
    this.#pending = this.#schedule.weight({ t: this.#t, age: this.#samples.length, stream: 0 })
    return this.#pending === 0 ? [...ended, ...this.flush()] : ended
  }

  /** Ends the open segment where it stands; nothing, where it holds no event. */
  flush(): readonly Window[] {
    if (this.#samples.length === 0) return []
    const window = { samples: this.#samples, credit: this.#credit, fresh: this.#fresh }
    this.#samples = []
    this.#credit = []
    this.#fresh = false
    return [window]
  }

  /** Events taken so far. */
  get events(): number {
    return this.#t
  }

  /** Where it stands now. */
  get open(): Cutting {
    const { t, pending, fresh } = { t: this.#t, pending: this.#pending, fresh: this.#fresh }
    return { samples: [...this.#samples], credit: [...this.#credit], fresh, t, pending }
  }
}
