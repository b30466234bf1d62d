import {
  type Graph,
  gradient,
  graph,
  layerNorm,
  logSumExp,
  norm,
  softmax,
  softmaxCrossEntropy,
  sum,
} from '@bptt/graph'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Builder } from '../../src/builder.js'
import { arbitraryProgram } from '../../src/laws/index.js'
import { drawTensor, randomFrom } from '../../src/laws/random.js'
import { lower } from '../../src/lower.js'
import { prune } from '../../src/prune.js'
import type { ScanAttrs } from '../../src/scan/attrs.js'
import { arbitraryLayout } from './compile-layouts.js'
import { apart, bits, reference } from './compile-support.js'

/** Names of ops that could still be written in simpler ones, in a graph and its loops. */
function compound(made: Graph): readonly string[] {
  return made.nodes.flatMap(node => {
    if (node.kind !== 'apply') return []
    if (node.op.emission?.kind === 'loop') return compound((node.attrs as ScanAttrs).body)
    const builder = new Builder()
    const inputs = node.inputs.map((id, i) => builder.input(`x${i}`, made.shapes[id]!))
    return node.op.lower?.(inputs, node.attrs) === undefined ? [] : [node.op.name]
  })
}

const by = { of: 'loss', by: [''] }

describe('a graph in simpler ops', () => {
  test('has no op left that says how to be simpler, and the values and gradients it had', () => {
    fc.assert(
      fc.property(arbitraryProgram({ size: 14 }), ({ graph: made, inputs }) => {
        const simple = lower(made)
        expect(compound(simple)).toEqual([])
        expect(apart(reference(simple, inputs), reference(made, inputs))).toBeLessThanOrEqual(1e-11)
        const [before, after] = [gradient(made, by), gradient(simple, by)]
        expect(apart(reference(after, inputs), reference(before, inputs))).toBeLessThanOrEqual(1e-9)
        expect(apart(reference(lower(before), inputs), reference(before, inputs))).toBeLessThanOrEqual(1e-9)
      }),
      { numRuns: 150, seed: 1 },
    )
  })

  test('keeps the names and shapes of inputs and outputs', () => {
    fc.assert(
      fc.property(arbitraryProgram({ size: 8 }), ({ graph: made }) => {
        const face = ({ inputs, outputs, shapes }: Graph): unknown =>
          [inputs, outputs].map(ports => ports.map(({ name, value }) => [name, shapes[value]]))
        expect(face(lower(made))).toEqual(face(made))
      }),
      { numRuns: 50, seed: 2 },
    )
  })

  test.each([0, 1, 1000, -1000, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN])(
    'is right where a logit is %d',
    odd => {
      const made = graph({ x: [2, 4], ids: [2] }, ({ x, ids }) => ({
        cost: softmaxCrossEntropy(x, ids),
        parts: softmax(x),
        top: logSumExp(x, { axis: 1 }),
        size: norm(x, { axis: 0 }),
        normal: layerNorm(x),
      })) as Graph
      expect(compound(lower(made))).toEqual([])
      for (const where of [0, 3, 5]) {
        const x = drawTensor(randomFrom(1), [2, 4])
        x.data[where] = odd
        const given = [x, { shape: [2], data: Float64Array.of(0, 1) }]
        expect(apart(reference(lower(made), given), reference(made, given))).toBeLessThanOrEqual(1e-12)
      }
    },
  )
})

test('pruning keeps every bit of the values of hoisted and lowered graphs', () => {
  fc.assert(
    fc.property(arbitraryLayout({ max: false }), fc.nat(4), ({ graph: made, inputs }, T) => {
      for (const wide of [lower(made), gradient(made, by)]) {
        const narrow = prune(wide)
        expect(narrow.nodes.length).toBeLessThanOrEqual(wide.nodes.length)
        expect(bits(reference(narrow, inputs(T)))).toEqual(bits(reference(wide, inputs(T))))
      }
    }),
    { numRuns: 100, seed: 4 },
  )
})

test('pruning a graph of which nothing is read leaves its inputs', () => {
  const made = graph({ x: [3], y: [2] }, ({ x }) => ({ y: sum(x) })) as Graph
  expect(prune(lower(made)).inputs.map(({ name }) => name)).toEqual(['x', 'y'])
})
