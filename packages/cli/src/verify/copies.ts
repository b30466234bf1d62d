import {
  type Graph,
  gradient,
  graph,
  inline,
  type Ref,
  type Shape,
  type Tensor,
  type Tree,
} from '@bptt/graph'
import { carriesOf, carryBefore } from './carries.js'
import { type Case, rows } from './case.js'
import type { Named } from './compare.js'
import { combined, lineOf, onlyStep, renamed, run } from './run.js'

/** Per lag k the sum over t of d loss_t / d theta_(t−k), where theta_(s) is the copy of the parameters that step s uses. */
export function lagGradients(of: Case): readonly Named[] {
  const carries = carriesOf(of, 'folded')
  const [alone, split] = [lastLoss(of), splitGraph(of)]
  return Array.from({ length: of.steps }, (_, k) => {
    const each = Array.from({ length: of.steps - k }, (_, s) => {
      const results = run(k === 0 ? alone : split, splitValues(of, carries, s, s + k))
      return { factor: 1, tensors: renamed(of, results, k === 0 ? '' : 'first.') }
    })
    return combined(each)
  })
}

const lastLoss = (of: Case): Graph => gradient(lineOf(of, { steps: 1 }).graph, { of: 'loss', by: ['params'] })

/** The gradient of a loss by the parameters of the first step only: one step, and a timeline that goes on from it. */
function splitGraph(of: Case): Graph {
  const head = new Map(of.values)
  head.delete('targets')
  const first = lineOf({ ...of, values: head }, { steps: 1 }).graph
  const rest = lineOf(of, { steps: 'T' }).graph
  const inputs = { first: shapesOf(first), rest: without(shapesOf(rest), 'carry') }
  const whole = graph(inputs as Tree<Shape>, refs => {
    const given = refs as unknown as Readonly<
      Record<'first' | 'rest', { readonly [name: string]: Tree<Ref> }>
    >
    const { carry } = inline(first, given.first) as { readonly carry: Tree<Ref> }
    const { loss } = inline(rest, { ...given.rest, carry }) as { readonly loss: Ref }
    return { loss }
  })
  return gradient(whole, { of: 'loss', by: ['first.params'] })
}

const shapesOf = (made: Graph): Readonly<Record<string, Shape>> =>
  Object.fromEntries(made.inputs.map(({ name, value }) => [name, made.shapes[value]!]))

const without = <T>(record: Readonly<Record<string, T>>, name: string): Readonly<Record<string, T>> =>
  Object.fromEntries(Object.entries(record).filter(([key]) => key !== name && !key.startsWith(`${name}.`)))

/** Inputs for the loss of step t, with step s apart where it is another. */
function splitValues(of: Case, carries: Named, s: number, t: number): Readonly<Record<string, Tensor>> {
  const cut = (from: number, to: number): Record<string, Tensor> => ({
    ...Object.fromEntries([...of.values].filter(([name]) => name.startsWith('params.'))),
    ...Object.fromEntries(
      ['xs', 'targets', 'reset'].flatMap(name => {
        const tensor = of.values.get(name)
        return tensor === undefined ? [] : [[name, rows(tensor, from, to)] as const]
      }),
    ),
    weights: rows(onlyStep(of, t), from, to),
  })
  const carry = Object.fromEntries(carryBefore(of, carries, s))
  if (s === t) return { ...cut(s, s + 1), ...carry }
  const { targets: _, weights: __, ...first } = cut(s, s + 1)
  const named = (prefix: string, values: Readonly<Record<string, Tensor>>): Record<string, Tensor> =>
    Object.fromEntries(Object.entries(values).map(([name, tensor]) => [`${prefix}.${name}`, tensor]))
  return { ...named('first', { ...first, ...carry }), ...named('rest', cut(s + 1, t + 1)) }
}
