import { GraphError } from '@bptt/graph'
import { checkSample, type EventShapes, eventName, type Sample } from './sample.js'

/** @throws GraphError `bad-lanes`; `where` names who was given them. */
export function checkLanes(where: string, lanes: number | undefined): void {
  if (lanes === undefined || (Number.isInteger(lanes) && lanes >= 1)) return
  throw new GraphError('bad-lanes', where, `lanes is ${lanes}; there is a whole number of lanes ≥ 1`)
}

/**
 * An event as a row: a list of one sample per lane, or where there are no lanes the sample alone.
 * @throws GraphError `bad-sample` where it is no list of one sample per lane; `place` is its place in the stream.
 */
export function rowOf<Of>(event: unknown, lanes: number | undefined, place: number): readonly Of[] {
  if (lanes === undefined) return [event as Of]
  if (Array.isArray(event) && event.length === lanes) return event
  const found = Array.isArray(event) ? `a list of ${event.length}` : 'no list'
  throw new GraphError(
    'bad-sample',
    `event ${place}`,
    `is ${found}; with ${lanes} lanes an event is a list of ${lanes} samples`,
  )
}

/** Refuses an event as it arrives, before it enters a window. */
export function checkRow(row: readonly Sample[], shapes: EventShapes, place: number): void {
  for (let i = 0; i < row.length; i++) checkSample(row[i]!, shapes, () => eventName(place, i, row.length))
}
