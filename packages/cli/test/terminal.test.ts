import type { WriteStream } from 'node:tty'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { coloursFor, liveLineOn, paced } from '../src/terminal.js'

afterEach(() => {
  vi.unstubAllEnvs()
})

const recorder = (isTTY: boolean, rows: number = 24): { stream: WriteStream; written: string[] } => {
  const written: string[] = []
  const stream = { isTTY, columns: 80, rows, write: (text: string) => written.push(text) > 0 }
  return { stream: stream as unknown as WriteStream, written }
}

describe('colours', () => {
  test('appear on a terminal', () => {
    vi.stubEnv('NO_COLOR', '')
    expect(coloursFor({ isTTY: true }).cyan('x')).not.toBe('x')
  })

  test('do not appear elsewhere, nor where NO_COLOR is set', () => {
    expect(coloursFor({}).cyan('x')).toBe('x')
    vi.stubEnv('NO_COLOR', '1')
    expect(coloursFor({ isTTY: true }).cyan('x')).toBe('x')
  })
})

test('paced lets through the first and then one in each interval', () => {
  const due = paced(2)
  expect([0, 1, 1.9, 2, 3.9, 9, 10, 11].filter(due)).toEqual([0, 2, 9, 11])
})

describe('a live line', () => {
  test('off a terminal is a plain line every two seconds', () => {
    const { stream, written } = recorder(false)
    const live = liveLineOn(stream)
    for (const seconds of [0, 1, 2, 3, 3.9, 4.1]) live.show(() => `at ${seconds}`, seconds)
    live.clear()
    expect(written).toEqual(['at 2\n', 'at 4.1\n'])
  })

  test('on a terminal without a size is a plain line too', () => {
    const { stream, written } = recorder(true, 0)
    liveLineOn(stream).show(() => 'line', 2)
    expect(written).toEqual(['line\n'])
  })

  test('on a terminal is written over', () => {
    const { stream, written } = recorder(true)
    const live = liveLineOn(stream)
    live.show(() => 'first', 0)
    live.show(() => 'too soon', 0.05)
    live.show(() => 'second', 0.2)
    const text = written.join('')
    expect(text).toContain('first')
    expect(text).toContain('second')
    expect(text).not.toContain('too soon')
    expect(text).toContain('\u001B[')
  })
})
