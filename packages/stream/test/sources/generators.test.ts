import { lastValueFrom, take, toArray } from 'rxjs'
import { describe, expect, test } from 'vitest'
import {
  addingTask,
  copyTask,
  countingTask,
  influenceBalancing,
  lorenz,
  mackeyGlass,
  narma10,
  regimeChange,
  type Sequence,
  sines,
} from '../../src/sources/index.js'

const wave = sines([{ period: 7 }, { period: 3, amplitude: 2, phase: 1 }], { noise: 0.1, seed: 3 })
const generators: Readonly<Record<string, Sequence<unknown>>> = {
  mackeyGlass: mackeyGlass(),
  lorenz: lorenz(),
  sines: wave,
  narma10: narma10({ seed: 2 }),
  influenceBalancing: influenceBalancing(),
  regimeChange: regimeChange({ regimes: [wave, mackeyGlass()], every: 5 }),
  copyTask: copyTask({ delay: 3, length: 4, seed: 1 }),
  addingTask: addingTask({ length: 6, seed: 1 }),
  countingTask: countingTask({ most: 5, seed: 1 }),
}

describe.each(Object.entries(generators))('%s', (_, made) => {
  test('is the same every time, from any position, as array, iterable and Observable', async () => {
    const values = made.take(60)
    expect(made.take(60)).toEqual(values)
    for (const start of [0, 1, 17, 59]) {
      expect(made.take(60 - start, start)).toEqual(values.slice(start))
      expect(await lastValueFrom(made.stream(start).pipe(take(1), toArray()))).toEqual([values[start]])
    }
    expect([...zip(made, 60)]).toEqual(values)
  })

  test('refuses a position that is no whole number', () => {
    expect(() => made.from(-1)).toThrow('the position is -1; it is a whole number ≥ 0')
  })
})

function* zip<T>(values: Iterable<T>, count: number): Generator<T> {
  for (const value of values) {
    if (count-- === 0) return
    yield value
  }
}

describe('mackeyGlass', () => {
  test('is the exact solution over the first delay, where the delayed value is constant', () => {
    const level = (0.2 * 1.2) / (1 + 1.2 ** 10) / 0.1
    mackeyGlass()
      .take(18)
      .forEach(([x], t) => {
        expect(x).toBeCloseTo(level + (1.2 - level) * Math.exp(-0.1 * t), 8)
      })
  })

  test('stays at its fixed point, x = 1', () => {
    for (const [x] of mackeyGlass({ x0: 1 }).take(300)) expect(x).toBeCloseTo(1, 12)
  })

  test('converges with the fourth power of the step', () => {
    const at = (substeps: number) => mackeyGlass({ substeps }).take(1, 60)[0]![0]!
    const exact = at(64)
    const ratio = Math.abs(at(2) - exact) / Math.abs(at(4) - exact)
    expect(ratio).toBeGreaterThan(10)
    expect(ratio).toBeLessThan(24)
  })

  test('is chaotic in its known range at tau = 17', () => {
    const xs = mackeyGlass()
      .take(3000, 500)
      .map(([x]) => x!)
    expect(Math.min(...xs)).toBeGreaterThan(0.2)
    expect(Math.max(...xs)).toBeLessThan(1.4)
    expect(Math.max(...xs) - Math.min(...xs)).toBeGreaterThan(0.8)
    const other = mackeyGlass({ x0: 1.2 + 1e-6 })
      .take(3000, 500)
      .map(([x]) => x!)
    expect(Math.max(...xs.map((x, i) => Math.abs(x - other[i]!)))).toBeGreaterThan(0.1)
  })

  test('refuses a delay that is no whole number of steps', () => {
    expect(() => mackeyGlass({ tau: 0.25, substeps: 2 })).toThrow(
      'tau is 0.25, which 2 substeps do not divide',
    )
    expect(() => mackeyGlass({ tau: -1 })).toThrow('tau is -1; it is a finite number > 0')
  })
})

describe('lorenz', () => {
  test('decays on the z axis as e^(−βt) and stays at a fixed point', () => {
    const [, , z] = lorenz({ start: [0, 0, 1] }).take(1, 100)[0]!
    expect(z).toBeCloseTo(Math.exp(-8 / 3), 8)
    const side = Math.sqrt((8 / 3) * 27)
    const [x, y, height] = lorenz({ start: [side, side, 27] }).take(1, 100)[0]!
    expect([x, y, height].map(v => v.toFixed(9))).toEqual([side, side, 27].map(v => v.toFixed(9)))
  })

  test('is symmetric about the z axis, and converges with the fourth power of the step', () => {
    const [a, b] = [lorenz().take(500), lorenz({ start: [-1, -1, 1] }).take(500)]
    a.forEach(([x, y, z], i) => {
      expect(b[i]).toEqual([-x, -y, z])
    })
    const at = (dt: number) => lorenz({ dt }).take(1, Math.round(0.5 / dt))[0]![0]
    const exact = at(0.000625)
    const ratio = Math.abs(at(0.01) - exact) / Math.abs(at(0.005) - exact)
    expect(ratio).toBeGreaterThan(12)
    expect(ratio).toBeLessThan(20)
  })
})

describe('sines', () => {
  test('are the sum of their waves, with noise of the size that is asked for', () => {
    const clean = sines([{ period: 7 }, { period: 3, amplitude: 2, phase: 1 }])
    expect(clean.take(1, 5)[0]![0]).toBeCloseTo(
      Math.sin((10 * Math.PI) / 7) + 2 * Math.sin((10 * Math.PI) / 3 + 1),
      12,
    )
    const noise = wave.take(4000).map(([x], t) => (x! - clean.take(1, t)[0]![0]!) / 0.1)
    expect(noise.reduce((sum, z) => sum + z, 0) / 4000).toBeCloseTo(0, 1)
    expect(noise.reduce((sum, z) => sum + z * z, 0) / 4000).toBeCloseTo(1, 1)
  })
})

describe('narma10', () => {
  test('obeys its recurrence', () => {
    const events = narma10({ seed: 5 }).take(400)
    const u = (t: number) => (t < 0 ? 0 : (events[t]!.input as number[])[0]!)
    const y = (t: number) => (t < 1 ? 0 : (events[t - 1]!.target as number[])[0]!)
    for (let t = 0; t < 400; t++) {
      let sum = 0
      for (let i = 0; i < 10; i++) sum += y(t - i)
      expect(y(t + 1)).toBeCloseTo(0.3 * y(t) + 0.05 * y(t) * sum + 1.5 * u(t - 9) * u(t) + 0.1, 12)
      expect(u(t)).toBeGreaterThanOrEqual(0)
      expect(u(t)).toBeLessThan(0.5)
    }
  })
})

describe('influenceBalancing', () => {
  test.each([
    [1, 0.125, 1.5],
    [2, 0.625, 2],
    [5, 6.875, 3.5],
    [10, 48.125, 6],
    [50, 607.346948655984, -2.136391466120216],
    [100, 994.7843583815117, -2.999999981194013],
  ])('has after %i steps the published summed loss and state', (steps, loss, s1) => {
    const states = influenceBalancing().take(steps, 1)
    const total = states.reduce((sum, [s]) => sum + 0.5 * (s! - 1) ** 2, 0)
    expect(total).toBeCloseTo(loss, 9)
    expect(states.at(-1)![0]).toBeCloseTo(s1, 9)
  })
})

describe('regimeChange', () => {
  test('gives every value from the regime in force', () => {
    const other = mackeyGlass()
    regimeChange({ regimes: [wave, other], every: 5 })
      .take(20)
      .forEach((value, t) => {
        expect(value).toEqual((Math.floor(t / 5) % 2 === 0 ? wave : other).take(1, t)[0])
      })
    expect(() => regimeChange({ regimes: [], every: 1 })).toThrow('has no regime; give one at least')
  })
})

const hot = (input: unknown) => (input as number[]).indexOf(1)

describe('copyTask', () => {
  test('asks for the symbols again after the delay and the mark', () => {
    const [length, delay] = [4, 3]
    for (let which = 0; which < 20; which++) {
      const events = copyTask({ length, delay, seed: 1 }).take(11, which * 11)
      const inputs = events.map(({ input }) => hot(input))
      expect(events.map(({ reset }) => reset)).toEqual([true, ...new Array(10).fill(false)])
      expect(inputs.slice(4)).toEqual([8, 8, 9, 8, 8, 8, 8])
      expect(events.map(({ target }) => target)).toEqual([...new Array(7).fill(8), ...inputs.slice(0, 4)])
    }
  })

  test('draws every symbol', () => {
    const said = copyTask({ length: 4, delay: 1 })
      .take(9 * 100)
      .map(({ input }) => hot(input))
    expect(new Set(said)).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]))
  })
})

describe('addingTask', () => {
  test('marks one number of each half and asks for their sum at the end alone', () => {
    let squares = 0
    for (let which = 0; which < 400; which++) {
      const events = addingTask({ length: 7, seed: 1 }).take(7, which * 7)
      const pairs = events.map(({ input }) => input as number[])
      const marked = pairs.flatMap(([, mark], i) => (mark === 1 ? [i] : []))
      expect([marked.length, marked[0]! < 3, marked[1]! >= 3]).toEqual([2, true, true])
      const [target] = events[6]!.target as number[]
      expect(target).toBe(pairs[marked[0]!]![0]! + pairs[marked[1]!]![0]!)
      expect(events.map(({ weight }) => weight)).toEqual([0, 0, 0, 0, 0, 0, 1])
      squares += (target! - 1) ** 2 / 400
    }
    expect(squares).toBeCloseTo(1 / 6, 1)
  })
})

describe('countingTask', () => {
  test('is a stream of words aⁿbⁿ, every n in its range, each target the next input', () => {
    const events = countingTask({ most: 5, seed: 3 }).take(2001)
    const symbols = events.map(({ input }) => hot(input))
    const text = symbols.map(id => 'ab.'[id]).join('')
    const words = text.split('.').slice(0, -1)
    for (const word of words) expect(word).toMatch(/^a+b+$/)
    for (const word of words) expect(word.lastIndexOf('a') + 1).toBe(word.length / 2)
    expect(new Set(words.map(word => word.length / 2))).toEqual(new Set([1, 2, 3, 4, 5]))
    expect(events.slice(0, -1).map(({ target }) => target)).toEqual(symbols.slice(1))
  })
})
