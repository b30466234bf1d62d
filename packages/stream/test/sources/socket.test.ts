import { describe, expect, test } from 'vitest'
import { type MessageLike, serverSentEvents, webSocket } from '../../src/sources/index.js'

/** A socket and an event source whose events the test makes. */
class Fake {
  static last: Fake
  readyState = 1
  binaryType = ''
  closed = 0
  readonly made: readonly unknown[]
  readonly #listeners = new Map<string, (event: MessageLike) => void>()

  constructor(...made: unknown[]) {
    this.made = made
    Fake.last = this
  }

  addEventListener(kind: string, listener: (event: MessageLike) => void): void {
    this.#listeners.set(kind, listener)
  }

  close(): void {
    this.closed++
  }

  emit(kind: string, event: MessageLike = {}): void {
    this.#listeners.get(kind)?.(event)
  }
}

function listen(stream: ReturnType<typeof webSocket>): { seen: unknown[]; stop: () => void } {
  const seen: unknown[] = []
  const subscription = stream.subscribe({
    next: value => seen.push(value),
    error: error => seen.push(`${error.code} ${error.message}`),
    complete: () => seen.push('complete'),
  })
  return { seen, stop: () => subscription.unsubscribe() }
}

describe('webSocket', () => {
  const open = (options = {}) => listen(webSocket('ws://a', { WebSocket: Fake, ...options }))

  test('gives messages as JSON, from text or bytes, and completes at an orderly end', () => {
    const { seen } = open({ protocols: ['v1'] })
    const socket = Fake.last
    socket.emit('message', { data: '{"x":1}' })
    socket.emit('message', { data: new TextEncoder().encode('[2]').buffer })
    socket.emit('close', { code: 1000 })
    expect(seen).toEqual([{ x: 1 }, [2], 'complete'])
    expect([socket.made, socket.binaryType, socket.closed]).toEqual([['ws://a', ['v1']], 'arraybuffer', 1])
  })

  test('decodes as told', () => {
    const { seen } = open({ decode: Number })
    Fake.last.emit('message', { data: '7' })
    expect(seen).toEqual([7])
  })

  test('fails at a broken connection and at a message that cannot be read, and closes', () => {
    const broken = open()
    Fake.last.emit('close', { code: 1006, reason: 'away' })
    expect(broken.seen[0]).toContain(
      'connection ws://a: the connection was closed with code 1006 (away); events end here',
    )
    const failed = open()
    Fake.last.emit('error')
    Fake.last.emit('close', { code: 1006 })
    expect(failed.seen).toHaveLength(1)
    for (const data of ['{', 5, Uint8Array.of(255)]) {
      const bad = open()
      Fake.last.emit('message', { data: '1' })
      Fake.last.emit('message', { data })
      expect(bad.seen[1]).toContain('bad-message ws://a, message 2: cannot be read: ')
      expect(Fake.last.closed).toBe(1)
    }
  })

  test('connects when subscribed to, closes when unsubscribed from', () => {
    const before = Fake.last
    const stream = webSocket('ws://b', { WebSocket: Fake })
    expect(Fake.last).toBe(before)
    listen(stream).stop()
    expect([Fake.last.made[0], Fake.last.closed]).toEqual(['ws://b', 1])
  })
})

describe('serverSentEvents', () => {
  test('gives the events of a kind, lives through breaks, fails where the platform gives up', () => {
    const { seen } = listen(serverSentEvents('http://a', { EventSource: Fake, event: 'price' }))
    const source = Fake.last
    source.emit('price', { data: '1' })
    source.emit('message', { data: '2' })
    source.readyState = 0
    source.emit('error')
    source.emit('price', { data: '3' })
    source.readyState = 2
    source.emit('error')
    expect(seen).toEqual([1, 3, expect.stringContaining('connection http://a: the connection was closed')])
    expect(source.closed).toBe(1)
  })

  test('names what the platform lacks', () => {
    if ('EventSource' in globalThis) return
    expect(() => serverSentEvents('http://a')).toThrow(
      'http://a: this platform has no EventSource; one is needed\nhint: pass one: { EventSource }',
    )
  })
})
