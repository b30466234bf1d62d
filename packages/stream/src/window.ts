import { plain, type Sample } from './sample.js'

/** Consecutive events of one lane, and how credit passes between them. */
export interface Segment {
  /** Place of the first event in the stream, from 1. */
  readonly first: number
  readonly samples: readonly Sample[]
  /** Weight of the edge into each step; 1 for the first, and 0 where credit is cut. */
  readonly credit: readonly number[]
  /** The number by which its coins are drawn; that of its lane, from 0, where not given. */
  readonly stream?: number
}

/** Events that are learned from in one update: a segment per lane, one where there are no lanes. */
export interface Window {
  readonly lanes: readonly Segment[]
}

/** How an estimator cuts a stream. */
export interface Cuts {
  /** Weight of the edge that leaves an event; a segment ends where it is 0. `notes` are those of the cutting. */
  readonly weight: (edge: CutEdge, notes: Notes | undefined) => number
  /** True where a reset ends the segment before it; else windows go on, and only the carry starts anew. */
  readonly endsAtReset: boolean
  /** What the estimator has learned about the stream, before the first event. */
  readonly notes?: Notes
}

/** A state edge t → t+1 of a lane, as a schedule reads it. */
export interface CutEdge {
  /** The row that the edge leaves, from 1. */
  readonly t: number
  /** Events since the last cut, that one included. */
  readonly age: number
  /** The lane, from 0. */
  readonly stream: number
}

/** What an estimator that adapts has learned: plain finite numbers. */
export type Notes = Readonly<Record<string, number | readonly number[]>>

/** Where one lane stands: its events that are not learned from yet. Plain data. */
export interface Open extends Segment {
  /** The first so many events belong to segments that have ended. */
  readonly ended: number
  /** Events of the open segment. */
  readonly age: number
  /** Weight of the edge into the next event. */
  readonly pending: number
  /** True where the next event starts anew, whether it says so or not. */
  readonly due: boolean
  /** Events to come that have been learned from already: they are passed over. */
  readonly skip: number
}

/** Where the cutting of a stream stands. Plain data. */
export interface Cutting {
  /** Events (rows, of lanes) taken from the source so far: its position. */
  readonly t: number
  readonly lanes: readonly Open[]
  readonly notes?: Notes
}

/** Before the first event. */
export function startCutting(cuts: Cuts, lanes = 1): Cutting {
  const made = { t: 0, lanes: Array.from({ length: lanes }, () => emptyLane(1)) }
  return cuts.notes === undefined ? made : { ...made, notes: cuts.notes }
}

function emptyLane(first: number): Open {
  return { first, samples: [], credit: [], ended: 0, age: 0, pending: 1, due: false, skip: 0 }
}

type Lane = {
  -readonly [K in keyof Open]: Open[K] extends readonly (infer E)[] ? E[] : Open[K]
}

const NONE: readonly Window[] = []

/**
 * Cuts a stream of events into windows.
 *
 * A segment of a lane ends where the schedule cuts credit and, where the estimator says so, before a reset. A window is complete as
 * soon as every lane has ended a segment; what lanes have ended by then is in it. The weight of an edge is drawn when the event it
 * leaves arrives, before later events are seen. Holds the events that are not learned from yet, no others. `open` is a plain-data
 * copy of where it stands; a cutter made from it goes on with the same coins.
 */
export class Cutter {
  readonly #cuts: Cuts
  readonly #lanes: readonly Lane[]
  #t: number
  /** Read by the schedule at every event from now on. */
  notes: Notes | undefined

  constructor(cuts: Cuts, from: Cutting = startCutting(cuts)) {
    this.#cuts = cuts
    this.#t = from.t
    this.notes = from.notes
    this.#lanes = from.lanes.map(lane => ({ ...lane, samples: [...lane.samples], credit: [...lane.credit] }))
  }

  /** Takes a row, one event per lane; the windows it completes: none, one, or two where a reset ends one and a cut the next. */
  push(row: readonly Sample[]): readonly Window[] {
    this.#t++
    const before = this.#cuts.endsAtReset ? this.#endAtResets(row) : NONE
    for (let i = 0; i < row.length; i++) this.#add(this.#lanes[i]!, row[i]!, i)
    const after = this.#take()
    return before.length === 0 ? after : [...before, ...after]
  }

  #endAtResets(row: readonly Sample[]): readonly Window[] {
    let any = false
    for (let i = 0; i < row.length; i++) {
      const lane = this.#lanes[i]!
      if (!row[i]!.reset || lane.skip > 0) continue
      lane.ended = lane.samples.length
      lane.age = 0
      lane.pending = 0
      any = true
    }
    return any ? this.#take() : NONE
  }

  #add(lane: Lane, sample: Sample, stream: number): void {
    if (lane.skip > 0) {
      lane.skip--
      return
    }
    lane.samples.push(plain(lane.due ? { ...sample, reset: true } : sample))
    lane.due = false
    lane.credit.push(lane.samples.length === 1 ? 1 : lane.pending)
    lane.age++
    lane.pending = this.#cuts.weight({ t: this.#t, age: lane.age, stream }, this.notes)
    if (lane.pending !== 0) return
    lane.ended = lane.samples.length
    lane.age = 0
  }

  /** The window of all ended segments, if every lane has one. */
  #take(): readonly Window[] {
    for (const { ended } of this.#lanes) if (ended === 0) return NONE
    return [{ lanes: this.#lanes.map(shift) }]
  }

  /** Ends the open segments where they stand; nothing, where no lane holds an event. */
  flush(): readonly Window[] {
    for (const lane of this.#lanes) {
      lane.ended = lane.samples.length
      lane.age = 0
    }
    return this.#lanes.every(({ ended }) => ended === 0) ? NONE : [{ lanes: this.#lanes.map(shift) }]
  }

  /**
   * Goes back to before the first event that is in one of these windows, or came after them. The source is to be read again from there:
   * events that a lane has learned from by then are passed over as they come again.
   */
  giveBack(windows: readonly Window[]): void {
    const firsts = this.#lanes.map((lane, i) => windows[0]?.lanes[i]?.first ?? lane.first)
    this.#t = Math.min(...firsts) - 1
    this.#lanes.forEach((lane, i) => {
      const due = windows[0]?.lanes[i]?.samples[0]?.reset ?? false
      Object.assign(lane, emptyLane(firsts[i]!), { due, skip: firsts[i]! - 1 - this.#t })
    })
  }

  /**
   * Begins anew after a window that was passed over: in lanes for which `which` holds, the next event is as a reset. It may be in a window that
   * is cut already.
   * @returns those windows.
   */
  startAnew(which: (lane: number) => boolean, windows: readonly Window[]): readonly Window[] {
    const made = windows.map(({ lanes }) => ({ lanes: [...lanes] }))
    this.#lanes.forEach((lane, i) => {
      if (!which(i)) return
      const cut = made.find(({ lanes }) => lanes[i]!.samples.length > 0)
      if (cut !== undefined) cut.lanes[i] = { ...cut.lanes[i]!, samples: begun(cut.lanes[i]!.samples) }
      else if (lane.samples.length > 0) lane.samples = begun(lane.samples)
      else lane.due = true
    })
    return made
  }

  /** Events (rows) taken so far. */
  get events(): number {
    return this.#t
  }

  /** Where it stands now. */
  get open(): Cutting {
    const lanes = this.#lanes.map(lane => ({
      ...lane,
      samples: [...lane.samples],
      credit: [...lane.credit],
    }))
    return { t: this.#t, lanes, ...(this.notes !== undefined && { notes: this.notes }) }
  }
}

/** The same events, the first of them a reset. */
function begun([first, ...rest]: readonly Sample[]): Sample[] {
  return [{ ...first!, reset: true }, ...rest]
}

/** Takes the ended segments out of a lane. */
function shift(lane: Lane): Segment {
  const { first, ended, samples, credit } = lane
  const whole = ended === samples.length
  const taken = whole
    ? { first, samples, credit }
    : { first, samples: samples.slice(0, ended), credit: credit.slice(0, ended) }
  lane.samples = whole ? [] : samples.slice(ended)
  lane.credit = whole ? [] : credit.slice(ended)
  if (!whole) lane.credit[0] = 1
  lane.first = first + ended
  lane.ended = 0
  return taken
}
