import type { Tensor, Tree } from '@bptt/graph'
import { type Cell, zeroCarry } from '@bptt/unroll'
import { forward } from './forward.js'
import type { Engine } from './learner.js'
import { checkValue, type Sample } from './sample.js'

/** A model that only runs: the carry is a value, in and out. */
export interface Predictor {
  /** The carry before the first input. */
  readonly carry: Tree<Tensor>
  /** One step: `(carry, input) → [carry, output]`. */
  readonly step: (carry: Tree<Tensor>, input: Sample['input']) => readonly [Tree<Tensor>, Float64Array]
}

/**
 * Runs a model step by step, without learning, on an engine as the trainer's: compiled where not told otherwise.
 * @throws GraphError `bad-sample` at a step whose input does not fit.
 * @category Start here
 */
export function predictor(model: Cell, params: Tree<Tensor>, engine: Engine = {}): Predictor {
  const start = zeroCarry(model, 1)
  const program = forward({ model, lanes: 1 }, engine, { params, carry: start })
  const reset: Tensor = { shape: [1, 1], data: new Float64Array(1) }
  return {
    carry: start,
    step(carry, input) {
      checkValue(input, model.input, 'input', () => 'predictor')
      const data = Float64Array.from(typeof input === 'number' ? [input] : input)
      program.load({ carry })
      const { ys } = program.run({
        xs: { shape: [1, 1, ...(model.input as readonly number[])], data },
        reset,
      })
      return [program.carry(), ys.data.slice()] // a copy: the output may be the carry itself
    },
  }
}
