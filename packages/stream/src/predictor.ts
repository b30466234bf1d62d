import { evaluate, graph, isShape, mapTree, type Ref, type Tensor, type Tree } from '@bptt/graph'
import { type Cell, zeroCarry } from '@bptt/unroll'
import { checkValue, type Sample } from './sample.js'

/** A model that only runs: the carry is a value, in and out. */
export interface Predictor {
  /** The carry before the first input. */
  readonly carry: Tree<Tensor>
  /** One step: `(carry, input) → [carry, output]`. */
  readonly step: (carry: Tree<Tensor>, input: Sample['input']) => readonly [Tree<Tensor>, Float64Array]
}

/**
 * Runs a model step by step, without learning.
 * @throws GraphError `bad-sample` at a step whose input does not fit.
 */
export function predictor(model: Cell, params: Tree<Tensor>): Predictor {
  const inputs = {
    params: model.params,
    carry: mapTree(model.carry, isShape, shape => [1, ...shape]),
    x: [1, ...model.input],
  }
  const program = graph(inputs, refs => {
    const at = refs as unknown as { params: Tree<Ref>; carry: Tree<Ref>; x: Ref }
    const [carry, y] = model.step(at.params, at.carry, at.x)
    return { carry, y }
  })
  return {
    carry: zeroCarry(model, 1),
    step(carry, input) {
      checkValue(input, model.input, 'input', () => 'predictor')
      const data = Float64Array.from(typeof input === 'number' ? [input] : input)
      const x = { shape: [1, ...(model.input as readonly number[])], data }
      const made = evaluate(program, { params, carry, x }) as unknown as {
        carry?: Tree<Tensor> // missing where the model keeps none
        y: Tensor
      }
      return [made.carry ?? {}, made.y.data.slice()] // a copy: the output may be the carry itself
    },
  }
}
