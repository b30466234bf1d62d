import type { Counters, Schema, TrainState, Values } from '../state.js'
import type { Cutting } from '../window.js'

/** One stream of a keyed trainer: enough to go on with it as if it had never been away. */
export interface KeyedStream {
  readonly key: string
  /** Its own part of the state: carry and memory; parameters and slots too, where it has a model of its own. */
  readonly values: Partial<Values>
  /** Where it has a model of its own. */
  readonly counters?: Counters
  /** Its events that are not learned from yet, and how many it has taken. */
  readonly open: Cutting
}

/** All of a keyed trainer: enough to go on as if never stopped. */
export interface KeyedSnapshot {
  /** Events taken from the source so far: its position. */
  readonly t: number
  /** Events learned from so far, of all streams. */
  readonly events: number
  /** What the streams share; missing where each has a model of its own. */
  readonly shared?: Pick<TrainState, 'params' | 'slots' | 'counters'>
  /** In the order of their first events, wherever they are kept. */
  readonly streams: readonly KeyedStream[]
  /** What it was made with; a trainer checks it, where it is there. */
  readonly schema?: Schema
}
