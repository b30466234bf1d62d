import type { Sample } from '@bptt/stream'
import { describe, expect, test } from 'vitest'
import { characters, events, lastStep, passOf, type Reading } from '../src/source.js'

const calm = new AbortController().signal

async function read({
  ids = [0, 1, 2],
  ...reading
}: Partial<Reading & { ids: ArrayLike<number> }>): Promise<Sample[]> {
  const samples: Sample[] = []
  for await (const sample of events(characters(ids), { limits: {}, signal: calm, ...reading }))
    samples.push(sample)
  return samples
}

describe('a stream of unknown length', () => {
  async function* four() {
    for (let i = 0; i < 4; i++) {
      await Promise.resolve()
      yield { input: i, target: i, ...(i === 2 && { weight: 3 }) }
    }
  }
  const inputs = async (reading: Partial<Reading>): Promise<unknown[]> => {
    const found: unknown[] = []
    const stream = { length: undefined, from: four }
    for await (const { input } of events(stream, { limits: {}, signal: calm, ...reading })) found.push(input)
    return found
  }

  test('is read once, whatever the limits', async () => {
    expect(await inputs({})).toEqual([0, 1, 2, 3])
    expect(await inputs({ limits: { steps: 9 } })).toEqual([0, 1, 2, 3])
    expect(await inputs({ limits: { steps: 3 } })).toEqual([0, 1, 2])
  })
})

describe('the characters of a text', () => {
  test('pair each character with its successor, once through the text', async () => {
    expect(await read({ ids: [5, 6, 7] })).toEqual([
      { input: 5, target: 6 },
      { input: 6, target: 7 },
    ])
  })

  test('begin the text again with a reset until the number of steps is reached', async () => {
    expect(await read({ limits: { steps: 5 } })).toEqual([
      { input: 0, target: 1 },
      { input: 1, target: 2 },
      { input: 0, target: 1, reset: true },
      { input: 1, target: 2 },
      { input: 0, target: 1, reset: true },
    ])
  })

  test('end before the text does where fewer steps are asked for', async () => {
    expect(await read({ limits: { steps: 1 } })).toHaveLength(1)
  })

  test('reset at the start of every episode but the first', async () => {
    const samples = await read({ ids: new Uint32Array(10), episode: 4 })
    expect(samples.map(({ reset }) => reset === true)).toEqual(
      [4, 8].reduce((all, t) => all.with(t, true), Array(9).fill(false)),
    )
  })

  test('end when the clock reaches the limit', async () => {
    let time = 0
    const samples = await read({ limits: { seconds: 1 }, now: () => (time += 0.001) })
    expect(samples.length).toBeGreaterThan(100)
    expect(time).toBeLessThan(1.01)
  })

  test('end at the signal', async () => {
    const control = new AbortController()
    let seen = 0
    for await (const _ of events(characters([0, 1]), { limits: { steps: 1e9 }, signal: control.signal }))
      if (++seen === 3) control.abort()
    expect(seen).toBe(3)
  })

  test('give the event loop a turn while the consumer keeps the process busy', async () => {
    let [time, turns] = [0, 0]
    let next: NodeJS.Immediate
    const count = (): void => {
      turns++
      next = setImmediate(count)
    }
    count()
    const now = (): number => (time += 0.01)
    for await (const _ of events(characters([0, 1]), { limits: { steps: 40 }, signal: calm, now }));
    clearImmediate(next!)
    expect(turns).toBeGreaterThan(5)
  })

  test('are none in a text without a pair', async () => {
    expect(await read({ ids: [1], limits: { steps: 5 } })).toEqual([])
  })
})

test('lastStep is one pass without limits, and endless where only time limits', () => {
  expect([lastStep({}, 9), lastStep({ seconds: 1 }, 9), lastStep({ seconds: 1, steps: 3 }, 9)]).toEqual([
    9,
    Infinity,
    3,
  ])
})

test('passOf counts how often the text has been begun', () => {
  expect([0, 1, 9, 10, 18, 19].map(events => passOf(events, 9))).toEqual([1, 1, 1, 2, 2, 3])
})
