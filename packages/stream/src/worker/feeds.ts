import { asyncScheduler, type Observable, type Subscription } from 'rxjs'
import type { Backlog } from '../backlog.js'
import { withDropped } from '../sample.js'
import type { Feed } from './line.js'
import type { Event } from './pack.js'

/** Events of a push source: what waits in a bounded buffer. What waits goes over before an error of the source. */
export function pushed(source: Observable<Event>, backlog: Backlog<Event>): Feed {
  let wake = (): void => undefined
  let end: { readonly error?: unknown; readonly failed: boolean } | undefined
  const stop = (found: NonNullable<typeof end>): void => {
    end ??= found
    wake()
  }
  const subscription = source.subscribe({
    next: event => {
      if (end !== undefined) return
      try {
        backlog.add(event)
        wake()
      } catch (error) {
        stop({ error, failed: true })
      }
    },
    error: error => stop({ error, failed: true }),
    complete: () => stop({ failed: false }),
  })
  return {
    next: async most => {
      if (backlog.length === 0 && end === undefined)
        await new Promise<void>(resolve => {
          wake = resolve
        })
      const events: Event[] = []
      while (events.length < most && backlog.length > 0) {
        const { value, dropped } = backlog.take()!
        events.push(withDropped(value, dropped))
      }
      if (events.length === 0 && end?.failed) throw end.error
      return events
    },
    leave: () => {
      subscription.unsubscribe()
      wake()
    },
  }
}

/** Events of a pull source, read when they are asked for: those that come within a turn of the event loop after the first go together. */
export function pulled(source: Iterable<Event> | AsyncIterable<Event>): Feed {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
  /** What is read and not handed over: an event, the end or an error. */
  let reading: Promise<IteratorResult<Event>> | undefined
  return {
    next: async most => {
      const events: Event[] = []
      const turn = new Turn()
      try {
        while (events.length < most) {
          reading ??= new Promise(resolve => resolve(iterator.next())) // what it throws is kept, too
          const found = await (events.length === 0 ? reading : Promise.race([reading, turn.over]))
          if (found === undefined || found.done) break
          reading = undefined
          events.push(found.value)
        }
      } catch (error) {
        if (events.length === 0) throw error
      } finally {
        turn.end()
      }
      return events
    },
    leave: () => {
      Promise.resolve(iterator.return?.()).catch(() => undefined)
    },
  }
}

/** One turn of the event loop, from when it is first asked for. */
class Turn {
  #timer: Subscription | undefined
  #over: Promise<undefined> | undefined

  get over(): Promise<undefined> {
    this.#over ??= new Promise(resolve => {
      this.#timer = asyncScheduler.schedule(() => resolve(undefined))
    })
    return this.#over
  }

  end(): void {
    this.#timer?.unsubscribe()
  }
}
