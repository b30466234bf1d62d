import { GraphError } from '@bptt/graph'
import fc from 'fast-check'
import { expect } from 'vitest'

/** All values of an iterable. */
export async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const value of values) found.push(value)
  return found
}

/** The values before an error, and the error's code and message. */
export async function outcome<T>(
  values: AsyncIterable<T>,
): Promise<{ readonly values: readonly T[]; readonly code?: string; readonly message?: string }> {
  const found: T[] = []
  try {
    for await (const value of values) found.push(value)
  } catch (error) {
    expect(error).toBeInstanceOf(GraphError)
    const { code, message } = error as GraphError
    return { values: found, code, message }
  }
  return { values: found }
}

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Bytes in chunks, some of them empty, cut at these places. */
export function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = places.map(place => place % (bytes.length + 1)).sort((a, b) => a - b)
  return [...sorted, bytes.length].map((end, i) => bytes.slice(sorted[i - 1] ?? 0, end))
}

export const places: fc.Arbitrary<number[]> = fc.array(fc.nat(), { maxLength: 12 })
