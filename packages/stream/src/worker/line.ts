import { GraphError } from '@bptt/graph'
import type { Subscriber } from 'rxjs'
import type { Snapshot } from '../state.js'
import type { Report } from '../update.js'
import { type Event, pack } from './pack.js'
import { type Answer, errorOf, type Port, type Request } from './protocol.js'

/** Where the events of a subscription come from. */
export interface Feed {
  /** Up to so many events, where some wait or can be waited for; an empty list at the end. Called when the thread is ready. */
  readonly next: (most: number) => Promise<readonly Event[]>
  readonly leave: () => void
}

/** A subscription to the trainer at the other end. */
interface Run {
  readonly observer: Subscriber<Report>
  /** Called when what was sent last has been answered. */
  answered: () => void
}

/** This thread's end of the channel: pairs answers with what was asked. */
export class Line {
  readonly #port: Port
  readonly #snapshots = new Map<number, { resolve: (s: Snapshot) => void; reject: (e: unknown) => void }>()
  #count = 0
  /** Answers that are awaited. */
  #awaited = 0
  #runs = new Map<number, Run>()
  #opened: { resolve: () => void; reject: (error: unknown) => void } | undefined
  #failure: unknown

  constructor(port: Port) {
    this.#port = port
    port.listen(
      (answer: Answer) => this.#hear(answer),
      error => this.#fail(error),
    )
  }

  open(request: Request): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#opened = { resolve, reject }
      this.#send(request)
    })
  }

  snapshot(): Promise<Snapshot> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure)
        return
      }
      const id = this.#count++
      this.#snapshots.set(id, { resolve, reject })
      this.#send({ kind: 'snapshot', id })
    })
  }

  close(): void {
    this.#port.close()
    this.#fail(new GraphError('worker-failed', 'worker', 'was closed'))
  }

  /** One subscription: events go over one batch at a time, each when the one before has been learned from. */
  start(feed: Feed, batch: number, observer: Subscriber<Report>): () => void {
    if (this.#failure !== undefined) {
      observer.error(this.#failure)
      return () => undefined
    }
    const run = this.#count++
    this.#runs.set(run, { observer, answered: () => undefined })
    this.#send({ kind: 'begin', run })
    void this.#pump(run, feed, batch)
    return () => {
      feed.leave()
      if (this.#runs.delete(run) && this.#failure === undefined) this.#send({ kind: 'leave', run })
    }
  }

  async #pump(number: number, feed: Feed, batch: number): Promise<void> {
    for (let run = this.#runs.get(number); run !== undefined; run = this.#runs.get(number)) {
      const events = await feed.next(batch).catch(error => {
        this.#runs.get(number)?.observer.error(error)
        return []
      })
      if (!this.#runs.has(number)) return
      const answered = new Promise<void>(resolve => {
        run!.answered = resolve
      })
      this.#forward(number, events)
      await answered
    }
  }

  #forward(run: number, events: readonly Event[]): void {
    if (events.length === 0) {
      this.#send({ kind: 'end', run })
      return
    }
    const packed = pack(events)
    const load = packed === undefined ? { events } : { packed }
    this.#send({ kind: 'events', run, load }, packed === undefined ? [] : [packed.buffer])
  }

  #send(request: Request, transfer: readonly ArrayBuffer[] = []): void {
    if (request.kind !== 'begin' && request.kind !== 'leave') this.#await(1)
    this.#port.send(request, transfer)
  }

  #await(more: 1 | -1): void {
    this.#awaited += more
    this.#port.hold?.(this.#awaited > 0)
  }

  #hear(answer: Answer): void {
    this.#await(-1)
    if (answer.kind === 'ready') this.#opened?.resolve()
    else if (answer.kind === 'refused') this.#opened?.reject(errorOf(answer.error))
    else if (answer.kind === 'snapshot') {
      this.#snapshots.get(answer.id)?.resolve(answer.snapshot)
      this.#snapshots.delete(answer.id)
    } else this.#pass(answer)
  }

  #pass({ run: number, reports, error, done }: Extract<Answer, { kind: 'reports' }>): void {
    const run = this.#runs.get(number)
    if (run === undefined) return
    for (const report of reports) run.observer.next(report)
    if (error !== undefined) run.observer.error(errorOf(error))
    else if (done) run.observer.complete()
    run.answered()
  }

  #fail(error: unknown): void {
    this.#failure ??= error
    this.#opened?.reject(error)
    for (const { reject } of this.#snapshots.values()) reject(error)
    this.#snapshots.clear()
    const runs = [...this.#runs.values()]
    for (const { observer } of runs) observer.error(error)
  }
}
