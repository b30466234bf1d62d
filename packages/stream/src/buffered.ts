import { GraphError } from '@bptt/graph'
import { asyncScheduler, Observable, type SchedulerLike, type Subscriber, Subscription } from 'rxjs'
import { Backlog, type BufferOptions } from './backlog.js'
import { withDropped } from './sample.js'

/** How `buffered` hands events on. */
export interface BufferedOptions extends BufferOptions {
  /** Milliseconds of work before the event loop gets its turn; 8 where not given. 0: one event a turn. */
  readonly yieldEvery?: number
  /** Asks the source to wait (true) when the buffer is full, and to go on (false) when it is half empty. */
  readonly pause?: (wait: boolean) => void
  /** Whose turns they are; `asyncScheduler` where not given. */
  readonly scheduler?: SchedulerLike
}

/** An event that may say how many were dropped between it and the one before. */
export type Counted<T> = T & { readonly dropped?: number }

/**
 * A bounded buffer between a fast producer and a slow consumer: takes events whenever they come, and hands them on in turns of their own, so
 * that a burst neither blocks the event loop nor fills the memory. Put it in front of `train()`, behind `nextStep()`: what is
 * paired must be neighbours.
 *
 * The first event after a gap (of lanes: its first sample) carries `dropped`, the number of events lost in it; reports add them up. What waits is handed on before the end or an error of
 * the source; on unsubscribing it is given up.
 *
 * @throws GraphError `bad-buffer`; later, in the stream, `buffer-overflow` where the policy is `block` and the source does not wait.
 * @category Start here
 */
export function buffered<T extends object>(
  options: BufferedOptions,
): (source: Observable<T>) => Observable<Counted<T>> {
  const { yieldEvery = 8 } = options
  new Backlog(options) // refuses bad options where they are given
  if (!(yieldEvery >= 0))
    throw new GraphError('bad-buffer', 'buffer', `yieldEvery is ${yieldEvery}; it is a number of ms ≥ 0`)
  return source => new Observable(observer => new Turns<T>(options, yieldEvery, observer).run(source))
}

/** One subscription: what waits, and the turn that hands it on. */
class Turns<T extends object> {
  readonly #backlog: Backlog<T>
  readonly #scheduler: SchedulerLike
  readonly #yieldEvery: number
  readonly #pause: (wait: boolean) => void
  readonly #size: number
  readonly #observer: Subscriber<Counted<T>>
  /** What ends the stream, once nothing waits. */
  #end: (() => void) | undefined
  #paused = false
  #asked = false
  #turn: Subscription | undefined
  readonly #input = new Subscription()

  constructor(options: BufferedOptions, yieldEvery: number, observer: Subscriber<Counted<T>>) {
    const { size, pause = () => undefined, scheduler = asyncScheduler } = options
    this.#backlog = new Backlog(options)
    this.#scheduler = scheduler
    this.#yieldEvery = yieldEvery
    this.#pause = pause
    this.#size = size
    this.#observer = observer
  }

  run(source: Observable<T>): Subscription {
    this.#input.add(
      source.subscribe({
        next: value => this.#take(value),
        error: error => this.#finish(() => this.#observer.error(error)),
        complete: () => this.#finish(() => this.#observer.complete()),
      }),
    )
    return new Subscription(() => {
      this.#input.unsubscribe()
      this.#turn?.unsubscribe()
    })
  }

  #take(value: T): void {
    if (this.#end !== undefined) return
    try {
      this.#backlog.add(value)
    } catch (error) {
      this.#finish(() => this.#observer.error(error))
      return
    }
    if (this.#backlog.full) this.#wait(true)
    this.#ask()
  }

  #finish(end: () => void): void {
    this.#input.unsubscribe()
    this.#end = end
    this.#ask()
  }

  #ask(): void {
    if (this.#asked) return
    this.#asked = true
    this.#turn = this.#scheduler.schedule(() => this.#handOn())
  }

  /** One turn. */
  #handOn(): void {
    this.#asked = false
    const until = this.#scheduler.now() + this.#yieldEvery
    do {
      const item = this.#backlog.take()
      if (item === undefined) break
      if (this.#backlog.length * 2 <= this.#size) this.#wait(false)
      const { value, dropped } = item
      this.#observer.next(withDropped<Counted<T>>(value, dropped))
      if (this.#observer.closed) return
    } while (this.#scheduler.now() < until)
    if (this.#backlog.length > 0) this.#ask()
    else this.#end?.()
  }

  #wait(wait: boolean): void {
    if (wait === this.#paused) return
    this.#paused = wait
    this.#pause(wait)
  }
}
