import type { Graph, Tensor } from '@bptt/graph'
import { describe, expect, test } from 'vitest'
import type { OpSpec } from '../../src/graph.js'
import { bound } from '../../src/laws/point.js'
import { randomFrom } from '../../src/laws/random.js'
import { drawInput, showCase, single } from '../../src/laws/site.js'
import { ops } from '../../src/ops/all.js'
import type { Shape } from '../../src/shape.js'
import { apart, compiled, reference } from './compile-support.js'

interface Application {
  readonly graph: Graph
  readonly inputs: readonly Tensor[]
  readonly text: string
}

/** An op on inputs of these shapes, at a point of its domain. */
function application(spec: OpSpec, shapes: readonly Shape[], attrs = {}, seed = 1): Application {
  const next = randomFrom(seed)
  const inputs = shapes.map((shape, i) => drawInput(spec, i, bound(shape, new Map()), next))
  return { graph: single(spec, shapes, attrs), inputs, text: `${spec.name} ${showCase(shapes, attrs)}` }
}

const declared = ops.flatMap(spec =>
  spec.samples.cases.map(({ shapes, attrs = {} }) => application(spec, shapes, attrs)),
)

describe('a compiled op', () => {
  test.each(declared.map(one => [one.text, one] as const))('%s is what evaluate gives', (_, one) => {
    const expected = reference(one.graph, one.inputs)
    expect(apart(compiled(one.graph, one.inputs), expected)).toBeLessThanOrEqual(1e-12)
    for (const flavour of ['fast', 'portable'] as const)
      expect(
        apart(compiled(one.graph, one.inputs, { dtype: 'float32', flavour }), expected),
      ).toBeLessThanOrEqual(1e-5)
  })
})
