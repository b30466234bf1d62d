import { GraphError } from '@bptt/graph'
import { Observable, type Subscriber } from 'rxjs'
import { decodeUtf8, invalidUtf8At } from '../utf8.js'

/** What is read of the events of a socket or an event source. */
export interface MessageLike {
  readonly data?: unknown
  readonly code?: number
  readonly reason?: string
}

/** Calls back on events of a kind. */
interface Target {
  /** Listens to events of a kind. */
  addEventListener(kind: string, listener: (event: MessageLike) => void): void
  /** Ends the connection. */
  close(): void
}

/** What is used of a `WebSocket`: that of a browser, of Node ≥ 22, or of a package. */
export interface SocketLike extends Target {
  binaryType: string
}

/** What is used of an `EventSource`. */
export interface EventSourceLike extends Target {
  /** 2 where it will not connect again. */
  readonly readyState: number
}

/** How messages are read. */
export interface MessageOptions<T> {
  /** A message's text to its value; JSON where not given. */
  readonly decode?: (text: string) => T
}

/** Where and how to listen. */
export interface WebSocketOptions<T> extends MessageOptions<T> {
  readonly protocols?: string | readonly string[]
  /** The constructor, where the platform has none (Node 20). */
  readonly WebSocket?: new (
    url: string,
    protocols?: string | string[],
  ) => SocketLike
}

/** Where and how to listen. */
export interface EventSourceOptions<T> extends MessageOptions<T> {
  /** The kind of events to take; `message` where not given. */
  readonly event?: string
  /** The constructor, where the platform has none. */
  readonly EventSource?: new (
    url: string,
  ) => EventSourceLike
}

/** Connection states of the platform's objects. */
const CLOSED = 2
/** Codes of an orderly end (RFC 6455, section 7.4.1): normal closure, going away, no code. */
const ORDERLY: readonly (number | undefined)[] = [1000, 1001, 1005]

/**
 * The messages of a WebSocket, connected to when subscribed to and closed when unsubscribed from. It is a push source: put `buffered` behind it.
 * Completes when the other side closes in order; after an error `retry({ delay: 1000 })` connects again.
 *
 * @example
 * webSocket('wss://example.org/prices').pipe(toEvents({ input: ['bid', 'ask'], target: ['next'] }), online.train())
 * @throws GraphError `no-transport` where the platform has no WebSocket; in the stream `connection`, `bad-message`.
 */
export function webSocket<T = unknown>(url: string, options: WebSocketOptions<T> = {}): Observable<T> {
  const Socket = options.WebSocket ?? platform<NonNullable<typeof options.WebSocket>>('WebSocket', url)
  return new Observable<T>(observer => {
    const { protocols } = options
    const socket = new Socket(url, typeof protocols === 'object' ? [...protocols] : protocols)
    socket.binaryType = 'arraybuffer'
    listen(socket, 'message', url, options, observer)
    socket.addEventListener('error', () => observer.error(lost(url, 'failed')))
    socket.addEventListener('close', ({ code, reason }) => {
      if (ORDERLY.includes(code)) observer.complete()
      else observer.error(lost(url, `was closed with code ${code}${reason ? ` (${reason})` : ''}`))
    })
    return () => socket.close()
  })
}

/**
 * The server-sent events of an address, subscribed to when subscribed to. The platform connects again by itself after a break; the stream
 * fails where it gives up. A push source, as `webSocket`.
 *
 * @throws GraphError `no-transport` where the platform has no EventSource; in the stream `connection`, `bad-message`.
 */
export function serverSentEvents<T = unknown>(
  url: string,
  options: EventSourceOptions<T> = {},
): Observable<T> {
  const Source = options.EventSource ?? platform<NonNullable<typeof options.EventSource>>('EventSource', url)
  return new Observable<T>(observer => {
    const source = new Source(url)
    listen(source, options.event ?? 'message', url, options, observer)
    source.addEventListener('error', () => {
      if (source.readyState === CLOSED) observer.error(lost(url, 'was closed'))
    })
    return () => source.close()
  })
}

function platform<C>(name: 'WebSocket' | 'EventSource', url: string): C {
  const found = (globalThis as { readonly [name: string]: unknown })[name]
  if (typeof found === 'function') return found as C
  throw new GraphError(
    'no-transport',
    url,
    `this platform has no ${name}; one is needed`,
    `pass one: { ${name} }`,
  )
}

function lost(url: string, what: string): GraphError {
  return new GraphError(
    'connection',
    url,
    `the connection ${what}; events end here`,
    'retry({ delay }) of rxjs connects again',
  )
}

function listen<T>(
  target: Target,
  kind: string,
  url: string,
  { decode = JSON.parse }: MessageOptions<T>,
  observer: Subscriber<T>,
): void {
  let count = 0
  target.addEventListener(kind, ({ data }) => {
    count++
    try {
      observer.next(decode(textOf(data)))
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      observer.error(new GraphError('bad-message', `${url}, message ${count}`, `cannot be read: ${why}`))
    }
  })
}

/** The text of a message, which may come as UTF-8 bytes. */
function textOf(data: unknown): string {
  if (typeof data === 'string') return data
  const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : data
  if (!(bytes instanceof Uint8Array) || invalidUtf8At(bytes) >= 0)
    throw new TypeError('it is neither text nor UTF-8 bytes')
  return decodeUtf8(bytes)
}
