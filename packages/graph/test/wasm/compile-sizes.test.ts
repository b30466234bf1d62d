import { contract, type Dim, exp, type Graph, graph, mul, sum } from '@bptt/graph'
import { describe, expect, test } from 'vitest'
import { apart, compiled, draw, reference } from './compile-support.js'

/** Kernels leave out the code for rows, elements and vectors that never come: these lengths are around their steps. */
const rows = [1, 2, 4, 5, 8]
const columns = [1, 4, 6, 7, 8]
const summed = [1, 2, 3, 4, 6, 8, 9, 16, 20]

const layouts = {
  'rows with rows': { spec: 'mk,nk->mn', a: 'mk', b: 'nk' },
  'rows with columns': { spec: 'mk,kn->mn', a: 'mk', b: 'kn' },
  'columns with columns': { spec: 'km,kn->mn', a: 'km', b: 'kn' },
  'columns with rows': { spec: 'km,nk->mn', a: 'km', b: 'nk' },
}

describe('products of every size around the steps of kernels', () => {
  const dtypes = ['float32', 'float64'] as const
  test.each(Object.entries(layouts))('%s', (_, { spec, a, b }) => {
    for (const m of rows)
      for (const n of columns)
        for (const k of summed) {
          const shape = (letters: string): number[] => [...letters].map(letter => ({ m, n, k })[letter]!)
          const [left, right] = [shape(a), shape(b)]
          const made = graph({ a: left, b: right }, refs => contract(refs.a, refs.b, { spec })) as Graph
          const values = [draw(left, m), draw(right, n)]
          for (const dtype of dtypes) {
            const bound = dtype === 'float32' ? 1e-5 : 1e-13
            const found = compiled(made, values, { dtype })
            expect(apart(found, reference(made, values)), `${m} ${n} ${k} ${dtype}`).toBeLessThan(bound)
          }
        }
  })
})

describe('elementwise work of every size around the lengths of vectors', () => {
  const sizes = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 17]
  const work = (shapes: Record<string, readonly Dim[]>): Graph =>
    graph(shapes, refs =>
      Object.fromEntries(
        Object.entries(refs).flatMap(([name, x]) => [
          [`y${name}`, mul(exp(x), x)],
          [`s${name}`, sum(mul(x, x))],
        ]),
      ),
    ) as Graph

  test.each(['float32', 'float64'] as const)('kernels of one kind in one program of %s', dtype => {
    const made = work(Object.fromEntries(sizes.map(size => [`x${size}`, [size]])))
    const values = sizes.map(size => draw([size], size))
    expect(apart(compiled(made, values, { dtype }), reference(made, values))).toBeLessThan(1e-5)
  })

  test.each(sizes)('a named length of %i, in rows of 3 and of 4', length => {
    for (const width of [3, 4]) {
      const made = work({ x: ['T', width] })
      const values = [draw([length, width], 1)]
      expect(apart(compiled(made, values), reference(made, values))).toBeLessThan(1e-13)
    }
  })
})
