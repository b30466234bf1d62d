import { Observable, type OperatorFunction } from 'rxjs'
import { Backlog, type BufferOptions } from '../backlog.js'
import type { Sample } from '../sample.js'
import type { Snapshot } from '../state.js'
import type { Report } from '../update.js'
import { pulled, pushed } from './feeds.js'
import { type Feed, Line } from './line.js'
import type { Event } from './pack.js'
import type { Port } from './protocol.js'

/** What a hosted trainer starts from. */
export interface HostedOptions {
  /** Given to the function that the module exports; what can be cloned to another thread. */
  readonly settings?: unknown
  /** Goes on from here. */
  readonly from?: Snapshot
}

/** How a hosted trainer takes a stream. */
export interface HostedTrainOptions {
  /**
   * Most events that wait while the other thread computes, and what happens to more; 65,536 and `block` where not given: no event is
   * dropped unless you say so.
   */
  readonly buffer?: BufferOptions
  /** Most events that cross at once; 256 where not given. An iterable is read ahead by so many at most. */
  readonly batch?: number
}

/** A trainer in a thread of its own: the same reports and the same bits, while this thread stays free. */
export interface HostedTrainer<E = Sample> {
  /**
   * The operator from events to reports, as of a trainer here. Unsubscribing ends the run: what has gone over is learned from, what waits is
   * given up, and `open.t` of the next snapshot says where to go on.
   */
  readonly train: (options?: HostedTrainOptions) => OperatorFunction<E, Report>
  /** Trains on what can be waited for: the next events are read when the thread is ready for them, and learned from as they come. */
  readonly trainOn: (
    source: Iterable<E> | AsyncIterable<E>,
    options?: Pick<HostedTrainOptions, 'batch'>,
  ) => Observable<Report>
  /** The state after all events that have been sent. */
  readonly snapshot: () => Promise<Snapshot>
  /** Ends the thread; streams that are open fail with `worker-failed`. */
  readonly close: () => void
}

const usual: BufferOptions = { size: 65_536, policy: 'block' }

/**
 * A trainer at the other end of a port, made there of a module's options.
 * @throws GraphError what making the trainer throws there; `bad-module`, `worker-failed`.
 */
export async function hostedAt<E = Sample>(
  port: Port,
  module: string,
  { settings, from }: HostedOptions,
): Promise<HostedTrainer<E>> {
  const line = new Line(port)
  try {
    await line.open({ kind: 'open', module, settings, ...(from && { from }) })
  } catch (error) {
    port.close()
    throw error
  }
  const observe = (feed: () => Feed, batch = 256): Observable<Report> =>
    new Observable(observer => line.start(feed(), batch, observer))
  return {
    train:
      ({ buffer = usual, batch } = {}) =>
      source =>
        observe(() => pushed(source as Observable<Event>, new Backlog(buffer)), batch),
    trainOn: (source, { batch } = {}) => observe(() => pulled(source as Iterable<Event>), batch),
    snapshot: () => line.snapshot(),
    close: () => line.close(),
  }
}
