import type { Loss } from '@bptt/graph'
import type { Sample } from '@bptt/stream'
import type { Cell } from '@bptt/unroll'
import type { CellName } from './commands/model.js'
import { plural } from './format.js'
import { type Described, parameterCount } from './model.js'
import type { Reading } from './source.js'

/** In what losses are said. */
export interface Unit {
  /** `bits per character`. */
  readonly name: string
  /** `bits/char`. */
  readonly short: string
  /** What one event is: `character`. */
  readonly event: string
  /** What one event is, on the live line: `char`. */
  readonly brief: string
  /** A loss in nats per event, in this unit. */
  readonly of: (nats: number) => number
  /** A value in this unit as text, more finely where asked for. */
  readonly text: (value: number, fine?: boolean) => string
}

/** A loss of one of the simplest predictors, in the unit. */
export interface Baseline {
  readonly name: string
  readonly value: number
}

/** What the simplest predictors lose on the events seen. */
export interface Yardsticks {
  /** Takes in an event, once it has been predicted. */
  see(sample: Sample): void
  readonly baselines: readonly Baseline[]
  /** What they remember, as plain data. */
  readonly state: unknown
}

/** What is learned: a stream of events, with the model and the loss that fit it. */
export interface Material {
  readonly kind: 'text' | 'data' | 'task'
  readonly name: string
  /** How much of what there is, for the reader. */
  readonly size: string
  readonly model: Cell
  /** The model in a few words. */
  readonly modelText: string
  readonly loss: Loss
  readonly unit: Unit
  /** The simplest predictors for the reader, before the first event. */
  readonly toBeat: string
  /** The simplest predictors, before the first event or where they stood. */
  readonly yardsticks: (state?: unknown) => Yardsticks
  /** Events in a pass; undefined where nobody knows. */
  readonly length: number | undefined
  /** The events, always the same ones where they can be read again. */
  readonly samples: (reading: Reading) => AsyncIterable<Sample>
  /** How much of it was left out so far, in a few words. */
  readonly leftOut?: () => string | undefined
}

/** What can be trained and saved. */
export interface Subject<D extends Described = Described> extends Material {
  /** What a model file says of it. */
  readonly described: D
}

/** A model in a few words: `LSTM, 64 hidden units, 1,234 parameters`. */
export function modelTextOf(cell: CellName, hidden: number, model: Cell): string {
  return `${cell.toUpperCase()}, ${plural(hidden, 'hidden unit')}, ${plural(parameterCount(model), 'parameter')}`
}
