import { type Average, averageOf } from './average.js'
import { type Metric, valued } from './metric.js'

/** What a report says of a loss: the mean over some events, in nats. */
export interface SeenLoss {
  readonly loss: number
  /** Events it is the mean of. */
  readonly length: number
  /** Sum of their weights, where they have any. */
  readonly weight?: number
}

/**
 * The prequential loss per event, in nats: every event is predicted before it is learned from [dawid1984]. Over all events with `mean()`, lately with
 * `ewma(halfLife)`, over the last n with `windowed(n)`.
 * @category Start here
 */
export function prequentialLoss<State>(average: Average<State>): Metric<SeenLoss, State> {
  return averageOf(
    average,
    seen => seen.loss,
    ({ weight, length }) => weight ?? length,
  )
}

/**
 * The prequential loss in bits per event: bits per character, where events are characters and the loss is cross-entropy.
 * @category Start here
 */
export function bitsPerCharacter<State>(average: Average<State>): Metric<SeenLoss, State> {
  return valued(prequentialLoss(average), nats => nats / Math.LN2)
}
