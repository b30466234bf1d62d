import type { Observable } from 'rxjs'
import type { Backlog } from '../backlog.js'
import type { Sample } from '../sample.js'
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
        events.push(dropped === 0 || Array.isArray(value) ? value : { ...(value as Sample), dropped })
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

/** Events of a pull source, read when they are asked for. */
export function pulled(source: Iterable<Event> | AsyncIterable<Event>): Feed {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
  return {
    next: async most => {
      const events: Event[] = []
      while (events.length < most) {
        const { done, value } = await iterator.next()
        if (done) break
        events.push(value)
      }
      return events
    },
    leave: () => {
      void iterator.return?.()
    },
  }
}
