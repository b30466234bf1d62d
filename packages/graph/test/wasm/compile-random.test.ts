import { type Graph, gradient, type Tensor, tangent } from '@bptt/graph'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { arbitraryProgram } from '../../src/laws/index.js'
import { drawTensor, randomFrom } from '../../src/laws/random.js'
import { apart, compiled, reference } from './compile-support.js'

/** The graph and its derivatives, with values for their inputs. */
function derivatives(
  graph: Graph,
  inputs: readonly Tensor[],
): Record<string, readonly [Graph, readonly Tensor[]]> {
  const by = graph.inputs.map(({ name }) => name)
  const along = inputs.map(({ shape }, i) => drawTensor(randomFrom(i), shape))
  return {
    value: [graph, inputs],
    gradient: [gradient(graph, { of: 'loss', by }), inputs],
    tangent: [tangent(graph, { by }), [...inputs, ...along]],
  }
}

describe('random programs', () => {
  test.each(['value', 'gradient', 'tangent'])('compiled give the %s that evaluate gives', kind => {
    fc.assert(
      fc.property(arbitraryProgram({ size: 14, gates: 0.2 }), program => {
        const [graph, inputs] = derivatives(program.graph, program.inputs)[kind]!
        const expected = reference(graph, inputs)
        expect(apart(compiled(graph, inputs), expected)).toBeLessThanOrEqual(1e-9)
      }),
      { numRuns: 200, seed: 1 },
    )
  })
})
