import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { axpyKernel } from '../../src/wasm/kernels/axpy.js'
import { rowChunks } from '../../src/wasm/kernels/chunks.js'
import { dotKernel } from '../../src/wasm/kernels/dot.js'
import { gradientKernel, gradientScratch } from '../../src/wasm/kernels/gradient.js'
import { panelWidth } from '../../src/wasm/kernels/kernel.js'
import { packedSize, packKernel } from '../../src/wasm/kernels/pack.js'
import { tileKernel } from '../../src/wasm/kernels/tile.js'
import { anyFlavour, Bench, difference, flavours, multiply, panels } from './kernels-harness.js'

const someCase = {
  flavour: anyFlavour,
  M: fc.integer({ min: 0, max: 9 }),
  N: fc.integer({ min: 1, max: 19 }),
  K: fc.integer({ min: 0, max: 21 }),
  gap: fc.integer({ min: 0, max: 5 }),
  accumulate: fc.boolean(),
  seed: fc.integer({ min: 0, max: 100 }),
}

const runs = { numRuns: 300 }

/** A length near n, of which a kernel may be told that it is a multiple of `step`. */
const near = (n: number, step: number, told: boolean): number => (told ? n - (n % step) : n)

describe('dotKernel', () => {
  test('multiplies rows with rows and touches nothing else', () => {
    const rows = fc.constantFrom('one' as const, 'fours' as const, undefined)
    const told = { ...someCase, rows, whole: fc.boolean() }
    fc.assert(
      fc.property(fc.record(told), ({ flavour, N, gap, accumulate, seed, ...drawn }) => {
        const { rows, whole } = drawn
        const M = rows === 'one' ? 1 : near(drawn.M, 4, rows === 'fours')
        const K = near(drawn.K, flavour.type === 'f32' ? 4 : 2, whole)
        const bench = new Bench(flavour.type, seed)
        const [lda, ldb, ldc] = [K + gap, K + (gap % 3), N + (gap % 2)]
        const [a, b, c] = [bench.room(M * lda), bench.room(N * ldb), bench.room(M * ldc)]
        const expected = multiply(
          bench.numbers,
          [
            { at: a, row: lda, column: 1 },
            { at: b, row: 1, column: ldb },
            { at: c, row: ldc, column: 1 },
          ],
          [M, N, K],
          accumulate,
        )
        const options = { ...flavour, N, lda, ldb, ldc, accumulate, rows, whole }
        bench.run(() => dotKernel(options), [a, b, c], [M, K])
        expect(difference(bench.numbers, expected)).toBeUndefined()
      }),
      runs,
    )
  })
})

describe('tileKernel', () => {
  test('multiplies a matrix of any strides with panels and touches nothing else', () => {
    const strides = { ...someCase, transposed: fc.boolean(), whole: fc.boolean() }
    fc.assert(
      fc.property(
        fc.record(strides),
        ({ flavour, N, K, gap, accumulate, seed, transposed, whole, ...drawn }) => {
          const M = near(drawn.M, 4, whole)
          const bench = new Bench(flavour.type, seed)
          const width = panelWidth(flavour.type)
          const [am, ak] = transposed ? [1, M + gap] : [K + gap, 1]
          const ldc = N + (gap % 3)
          const [a, b, c] = [bench.room(Math.max(M * am, K * ak)), bench.room(K * N), bench.room(M * ldc)]
          const packed = bench.room(packedSize(K, N, width))
          bench.numbers.set(panels(bench.numbers, { at: b, row: N, column: 1 }, K, N, width), packed)
          const expected = multiply(
            bench.numbers,
            [
              { at: a, row: am, column: ak },
              { at: b, row: N, column: 1 },
              { at: c, row: ldc, column: 1 },
            ],
            [M, N, K],
            accumulate,
          )
          const options = { ...flavour, N, am, ak, ldc, accumulate, whole }
          bench.run(() => tileKernel(options), [a, packed, c], [M, K])
          expect(difference(bench.numbers, expected)).toBeUndefined()
        },
      ),
      runs,
    )
  })

  test('multiplies panels of 4 rows with panels', () => {
    const told = { ...someCase, whole: fc.boolean() }
    fc.assert(
      fc.property(fc.record(told), ({ flavour, N, K, gap, accumulate, seed, whole, ...drawn }) => {
        const M = near(drawn.M, 4, whole)
        const bench = new Bench(flavour.type, seed)
        const width = panelWidth(flavour.type)
        const ldc = N + (gap % 3)
        const [a, b, c] = [bench.room(M * K), bench.room(K * N), bench.room(M * ldc)]
        const [packedA, packedB] = [bench.room(packedSize(K, M, 4)), bench.room(packedSize(K, N, width))]
        bench.numbers.set(panels(bench.numbers, { at: a, row: 1, column: K }, K, M, 4), packedA)
        bench.numbers.set(panels(bench.numbers, { at: b, row: N, column: 1 }, K, N, width), packedB)
        const expected = multiply(
          bench.numbers,
          [
            { at: a, row: K, column: 1 },
            { at: b, row: N, column: 1 },
            { at: c, row: ldc, column: 1 },
          ],
          [M, N, K],
          accumulate,
        )
        bench.run(
          () => tileKernel({ ...flavour, N, ldc, accumulate, whole, aPacked: true }),
          [packedA, packedB, c],
          [M, K],
        )
        expect(difference(bench.numbers, expected)).toBeUndefined()
      }),
      runs,
    )
  })
})

describe('packKernel', () => {
  const shapes = {
    flavour: anyFlavour,
    N: fc.integer({ min: 1, max: 75 }),
    K: fc.integer({ min: 0, max: 11 }),
    gap: fc.integer({ min: 0, max: 5 }),
    layout: fc.constantFrom('rows', 'columns', 'any'),
    narrow: fc.boolean(),
    seed: fc.integer({ min: 0, max: 100 }),
  }

  test('writes panels, the last one filled up with zeros, and touches nothing else', () => {
    fc.assert(
      fc.property(fc.record(shapes), ({ flavour: { type }, N, K, gap, layout, narrow, seed }) => {
        const bench = new Bench(type, seed)
        const width = narrow ? 4 : panelWidth(type)
        const strides = { rows: [N + gap, 1], columns: [1, K + gap], any: [3 * N + gap, 3] }
        const [bk, bn] = strides[layout] as [number, number]
        const b = bench.room(Math.max(K * bk, N * bn))
        const out = bench.room(packedSize(K, N, width))
        const expected = bench.numbers.slice()
        expected.set(panels(bench.numbers, { at: b, row: bk, column: bn }, K, N, width), out)
        bench.run(() => packKernel({ type, N, bk, bn, width }), [b, out], [K])
        expect(difference(bench.numbers, expected)).toBeUndefined()
      }),
      runs,
    )
  })
})

describe('axpyKernel', () => {
  test('multiplies one row with a matrix and touches nothing else', () => {
    const rows = fc.constantFrom('eights' as const, 'few' as const, undefined)
    const strides = { ...someCase, ak: fc.integer({ min: 1, max: 3 }), rows }
    fc.assert(
      fc.property(fc.record(strides), ({ flavour, N, gap, accumulate, seed, ak, rows, ...drawn }) => {
        const K = rows === 'few' ? drawn.K % 8 : near(drawn.K, 8, rows === 'eights')
        const bench = new Bench(flavour.type, seed)
        const ldb = N + gap
        const [a, b, c] = [bench.room(K * ak), bench.room(K * ldb), bench.room(N)]
        const expected = multiply(
          bench.numbers,
          [
            { at: a, row: 0, column: ak },
            { at: b, row: ldb, column: 1 },
            { at: c, row: 0, column: 1 },
          ],
          [1, N, K],
          accumulate,
        )
        bench.run(() => axpyKernel({ ...flavour, N, ldb, accumulate, ak, rows }), [a, b, c], [K])
        expect(difference(bench.numbers, expected)).toBeUndefined()
      }),
      runs,
    )
  })
})

describe('gradientKernel', () => {
  test('adds up outer products of rows and touches nothing but its scratch memory', () => {
    const rows = {
      ...someCase,
      M: fc.integer({ min: 1, max: 9 }),
      R: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 120, max: 300 })),
    }
    fc.assert(
      fc.property(fc.record(rows), ({ flavour, M, N, R, gap, accumulate, seed }) => {
        const bench = new Bench(flavour.type, seed)
        const [lda, ldb, ldc] = [M + gap, N + (gap % 3), N + (gap % 2)]
        const [a, b, c] = [bench.room(R * lda), bench.room(R * ldb), bench.room(M * ldc)]
        const size = gradientScratch({ type: flavour.type, M, N })
        const scratch = bench.room(size)
        const expected = multiply(
          bench.numbers,
          [
            { at: a, row: 1, column: lda },
            { at: b, row: ldb, column: 1 },
            { at: c, row: ldc, column: 1 },
          ],
          [M, N, R],
          accumulate,
        )
        const options = { ...flavour, M, N, lda, ldb, ldc, accumulate }
        bench.run(indexOf => gradientKernel(options, indexOf), [a, b, c], [R], scratch)
        expected.set(bench.numbers.subarray(scratch, scratch + size), scratch)
        expect(difference(bench.numbers, expected)).toBeUndefined()
      }),
      runs,
    )
  })
})

describe('rowChunks', () => {
  test.each([0, 1, 256, 257, 600])('multiplies %i rows in calls of at most 256', M => {
    for (const flavour of flavours) {
      const bench = new Bench(flavour.type, M)
      const [N, K, lda, ldc] = [5, 6, 7, 8]
      const [a, b, c] = [bench.room(M * lda), bench.room(N * K), bench.room(M * ldc)]
      const expected = multiply(
        bench.numbers,
        [
          { at: a, row: lda, column: 1 },
          { at: b, row: 1, column: K },
          { at: c, row: ldc, column: 1 },
        ],
        [M, N, K],
        false,
      )
      const product = dotKernel({ ...flavour, N, lda, ldb: K, ldc, accumulate: false })
      bench.run(indexOf => rowChunks(product, { type: flavour.type, lda, ldc }, indexOf), [a, b, c], [M, K])
      expect(difference(bench.numbers, expected)).toBeUndefined()
    }
  })
})

describe('A kernel', () => {
  test('stays within the rounding error of its sums', () => {
    const [M, N, K] = [7, 13, 101]
    for (const { type, fma } of flavours) {
      const bench = new Bench(type, 1)
      const [a, b, c] = [bench.room(M * K), bench.room(N * K), bench.room(M * N)]
      for (let i = 0; i < c; i++) bench.numbers[i] = Math.sin(i)
      const expected = multiply(
        Float64Array.from(bench.numbers),
        [
          { at: a, row: K, column: 1 },
          { at: b, row: 1, column: K },
          { at: c, row: N, column: 1 },
        ],
        [M, N, K],
        false,
      )
      bench.run(
        () => dotKernel({ type, fma, N, lda: K, ldb: K, ldc: N, accumulate: false }),
        [a, b, c],
        [M, K],
      )
      const worst = Math.max(
        ...Array.from(expected.subarray(c, c + M * N), (y, i) => Math.abs(y - bench.numbers[c + i]!)),
      )
      expect(worst).toBeGreaterThan(0)
      expect(worst).toBeLessThan(K * K * (type === 'f32' ? 2 ** -24 : 2 ** -53))
    }
  })

  test('has a key and a name that spell its options', () => {
    const options = { type: 'f32', fma: true, N: 8, lda: 3, ldb: 4, ldc: 9, accumulate: false } as const
    const kernel = dotKernel(options)
    expect(kernel.key).toBe('dot f32 fma N=8 lda=3 ldb=4 ldc=9')
    expect(kernel.emit().name).toBe(kernel.key)
    expect(dotKernel({ ...options, accumulate: true }).key).toBe(`${kernel.key} accumulate`)
    expect(dotKernel({ ...options, rows: 'one', whole: true }).key).toBe(`${kernel.key} one whole`)
  })
})
