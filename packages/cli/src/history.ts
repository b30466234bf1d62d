import type { Report } from '@bptt/stream'

/** A curve over events: `events[i]` is where the i-th piece ends, `values[i]` its weighted mean, NaN where its weight is 0. */
export interface Curve {
  readonly events: readonly number[]
  readonly values: readonly number[]
  readonly weights: readonly number[]
}

/** A curve that grows: it never holds more than {@link mostPieces} pieces. */
export interface Recorder {
  /** Takes in the mean of a value over the next `events`, which together weigh `weight`: as much as they are, where not given. */
  add(value: number, events: number, weight?: number): void
  readonly curve: Curve
}

/** Pieces a curve has at most; when there are more, neighbours are merged. */
export const mostPieces = 512

interface Piece {
  events: number
  weight: number
  sum: number
}

/** Means over pieces of a stream of any length, in bounded memory: pieces double in width as the stream goes on. */
export function recorder(): Recorder {
  let pieces: Piece[] = []
  let width = 1
  const add = (value: number, events: number, weight: number = events): void => {
    join(pieces, { events, weight, sum: value * weight }, width)
    if (pieces.length <= mostPieces) return
    width *= 2
    pieces = merged(pieces, width)
  }
  return {
    add,
    get curve(): Curve {
      let events = 0
      return {
        events: pieces.map(piece => (events += piece.events)),
        values: pieces.map(({ weight, sum }) => sum / weight),
        weights: pieces.map(({ weight }) => weight),
      }
    },
  }
}

/** Neighbours joined until each piece is at least `width` events wide, the last excepted. */
function merged(pieces: readonly Piece[], width: number): Piece[] {
  const out: Piece[] = []
  for (const piece of pieces) join(out, piece, width)
  return out
}

/** Adds a piece to the last one, or behind it where that is `width` events wide. */
function join(pieces: Piece[], piece: Piece, width: number): void {
  const last = pieces.at(-1)
  if (last === undefined || last.events >= width) pieces.push({ ...piece })
  else {
    last.events += piece.events
    last.weight += piece.weight
    last.sum += piece.sum
  }
}

/** What a run leaves for a page: its curves and how long its segments were. Losses in nats per event. */
export interface History {
  readonly loss: Curve
  /** Global norm of the gradient before clipping, in the mean. */
  readonly gradientNorm: Curve
  /** How often a segment of each length was learned from. */
  readonly segments: ReadonlyMap<number, number>
}

/** A history that grows with every report. */
export interface Historian {
  add(report: Report): void
  readonly history: History
}

/** A history of nothing yet. */
export function historian(): Historian {
  const [loss, norm] = [recorder(), recorder()]
  const segments = new Map<number, number>()
  return {
    add({ length, weight, loss: value, gradientNorm }): void {
      loss.add(value, length, weight)
      norm.add(gradientNorm, length)
      segments.set(length, (segments.get(length) ?? 0) + 1)
    },
    get history(): History {
      return { loss: loss.curve, gradientNorm: norm.curve, segments }
    },
  }
}
