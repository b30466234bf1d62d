import { Builder } from '../../builder.js'
import { add, mul } from '../../elementwise.js'
import type { Graph, OpSpec, Port } from '../../graph.js'
import { sumTo } from '../../linear.js'
import type { Shape } from '../../shape.js'
import type { Tensor } from '../../tensor.js'
import { pointOf } from '../point.js'
import { randomFrom } from '../random.js'
import type { Instruction } from './code.js'
import { calm, nth, type Pool, type Value } from './pool.js'
import { growPool } from './steps.js'

/** All that a random program is made from. */
export interface Recipe {
  readonly inputs: readonly number[]
  readonly code: readonly Instruction[]
  /** Extra outputs, counted back from the latest value. */
  readonly outputs: readonly number[]
  readonly gates: boolean
  /** Of the values of the inputs and the lengths of the axes. */
  readonly seed: number
}

/** A random program with values for its inputs. Outputs: the scalar `loss`, and values `out.a`, `out.b` on the way. */
export interface Program {
  readonly graph: Graph
  readonly inputs: readonly Tensor[]
  readonly seed: number
  /** Every derivative is that of the value: no gates. */
  readonly analytic: boolean
  readonly recipe: Recipe
}

/** Shapes of inputs, the plainest first; T and N are named axes. */
export const menu: readonly Shape[] = [
  [],
  [3],
  [2, 3],
  ['T', 3],
  [2],
  [3, 3],
  ['T'],
  [3, 2],
  ['T', 2, 3],
  [1, 3],
  ['N', 3],
  ['N'],
]

/** The program of a recipe. */
export function programOf(recipe: Recipe, ops: readonly OpSpec[]): Program {
  const shapes = recipe.inputs.map(pick => menu[pick % menu.length]!)
  const graph = growGraph(shapes, recipe, ops)
  const lengths = { T: 1 + (recipe.seed % 4), N: 1 + ((recipe.seed >>> 2) % 3) }
  const inputs = pointOf(graph, { axes: lengths }, randomFrom(recipe.seed))
  return { graph, inputs, seed: recipe.seed, analytic: !recipe.gates, recipe }
}

const nameOf = (shape: Shape, i: number): string =>
  shape.some(dim => typeof dim === 'string') ? `x${i}` : `params.w${i}`

/** A graph over inputs of these shapes. */
export function growGraph(
  shapes: readonly Shape[],
  { code, outputs, gates }: Pick<Recipe, 'code' | 'outputs' | 'gates'>,
  ops: readonly OpSpec[],
  names: readonly string[] = shapes.map(nameOf),
): Graph {
  const builder = new Builder()
  const values: Value[] = shapes.map((shape, i) => ({ ref: builder.input(names[i]!, shape), bound: 1 }))
  const pool: Pool = { values, ops, gates }
  growPool(pool, code)
  const kept = [nth(pool, 0), ...outputs.map(back => nth(pool, back))]
  const ends = kept.slice(1).map((value, k): Port => ({ name: `out.${'abc'[k]}`, value: value.ref.id }))
  return builder.build([{ name: 'loss', value: lossOf(kept).id }, ...ends])
}

/** A scalar that depends on all values, nonlinearly. */
function lossOf(kept: readonly Value[]): Value['ref'] {
  const parts = kept.map((value, k) => {
    const { ref } = calm(value, 8)
    const whole = sumTo(k % 2 === 0 ? ref : mul(ref, ref), { shape: [] })
    return mul(whole, 1 / (k + 1)) as Value['ref']
  })
  return parts.reduce((all, part) => add(all, part) as Value['ref'])
}
