import {
  compile,
  evaluate,
  type Graph,
  graph,
  isShape,
  mapTree,
  type Ref,
  type Shape,
  type Tensor,
  type Tree,
  type Values,
} from '@bptt/graph'
import fc from 'fast-check'
import type { Optimizer } from '../../src/index.js'
import { noise } from '../support.js'

/** The parameters that all tests train: 4 numbers. */
const shapes = { a: [3], b: [1] } as const

/** Where the parameters start. */
export const start: readonly number[] = noise(5, 4)

/** The optimiser alone, as a graph. */
export function alone(optimizer: Optimizer): Graph {
  const inputs = { gradients: shapes, params: shapes, slots: optimizer.slots(shapes), count: [] }
  return graph(inputs as Tree<Shape>, refs => {
    const at = refs as unknown as Record<'gradients' | 'params' | 'slots', Tree<Ref>> & { count: Ref }
    const { updates, slots, reports } = optimizer.update(at.gradients, { ...at, slots: at.slots ?? {} })
    return { updates, slots, reports: reports ?? {} } as Tree<Ref>
  }) as Graph
}

/** 4 numbers as parameters. */
export const split = (values: readonly number[]): { a: number[]; b: number[] } => ({
  a: values.slice(0, 3),
  b: values.slice(3),
})

/** Parameters as 4 numbers. */
export const joined = (tree: unknown): number[] => {
  const { a, b } = tree as { a: Tensor; b: Tensor }
  return [...a.data, ...b.data]
}

/** Slots before the first update. */
export const emptySlots = (optimizer: Optimizer): Tree<Tensor> =>
  mapTree(optimizer.slots(shapes), isShape, shape => ({
    shape: shape as readonly number[],
    data: new Float64Array((shape as readonly number[]).reduce((x, y) => x * y, 1)),
  }))

/** Where some updates lead. */
export interface Course {
  readonly params: readonly number[]
  readonly slots: Tree<Tensor>
  /** Of every update. */
  readonly updates: readonly (readonly number[])[]
  /** Of every update, by name. */
  readonly reports: readonly Readonly<Record<string, number>>[]
}

/** Makes updates with these gradients, or with those a function finds at the parameters. */
export function course(
  optimizer: Optimizer,
  gradients: readonly (readonly number[])[],
  { from = start, run = byReference(optimizer) }: { from?: readonly number[]; run?: Runner } = {},
): Course {
  let at: Course = { params: from, slots: emptySlots(optimizer), updates: [], reports: [] }
  gradients.forEach((g, count) => {
    const made = run({ gradients: split(g), params: split(at.params), slots: at.slots, count } as Values)
    const updates = joined(made.updates)
    const reports = Object.entries(made.reports ?? {}).map(([name, { data }]) => [name, data[0]!] as const)
    at = {
      params: at.params.map((p, i) => p + updates[i]!),
      slots: made.slots ?? {},
      updates: [...at.updates, updates],
      reports: [...at.reports, Object.fromEntries(reports)],
    }
  })
  return at
}

interface Made {
  readonly updates: Tree<Tensor>
  readonly slots?: Tree<Tensor>
  readonly reports?: Readonly<Record<string, Tensor>>
}

/** Makes one update. */
type Runner = (values: Values) => Made

/** Updates by the oracle. */
export function byReference(optimizer: Optimizer): Runner {
  const program = alone(optimizer)
  return values => evaluate(program, values) as unknown as Made
}

/** Updates by WebAssembly. */
export function byProgram(optimizer: Optimizer, dtype: 'float32' | 'float64'): Runner {
  const program = compile(alone(optimizer), { dtype })
  return values => program.run(values) as unknown as Made
}

/** Lists of gradients of one size, from tiny to large. */
export const gradientLists: fc.Arbitrary<readonly (readonly number[])[]> = fc
  .tuple(fc.nat(1e6), fc.integer({ min: 1, max: 7 }), fc.constantFrom(1e-3, 1, 40))
  .map(([seed, updates, scale]) =>
    Array.from({ length: updates }, (_, k) => noise(seed * 10 + k, 4).map(g => g * scale)),
  )
