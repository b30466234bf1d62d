import { Builder } from '../builder.js'
import type { Graph, OpSpec, Pushed } from '../graph.js'
import { zeros } from '../linear.js'
import type { Ref } from '../ref.js'
import { pushGraph } from '../tangent.js'
import { activeInputs } from './activity.js'
import type { ScanAttrs } from './attrs.js'

/** The loop and its tangent in one: the carry, the sequences and the constants each stand beside their tangents. */
export function pushScan(
  spec: OpSpec,
  inputs: readonly Ref[],
  attrs: ScanAttrs,
  along: readonly (Ref | null)[],
): Pushed {
  const { body, carry, xs } = attrs
  const moving = activeInputs(
    attrs,
    along.map(dot => dot !== null),
  )
  const group = (from: number, to: number): readonly number[] =>
    Array.from({ length: to - from }, (_, k) => from + k)
  const all = [group(0, carry), group(carry, carry + xs), group(carry + xs, inputs.length)]
  const doubled = all.map(part => [
    ...part.map(i => [i, false] as const),
    ...part.filter(i => moving[i]).map(i => [i, true] as const),
  ])
  const joint = jointBody(body, doubled.flat(), carry, moving)
  const values = doubled
    .flat()
    .map(([i, dot]) => (dot ? (along[i] ?? zeros(inputs[i]!, inputs[i]!.shape)) : inputs[i]!))
  const made = inputs[0]!.builder.apply(spec, values, {
    ...attrs,
    body: joint.body,
    carry: doubled[0]!.length,
    xs: doubled[1]!.length,
  })
  return {
    outputs: joint.primal.map(k => made[k]!),
    tangents: joint.tangent.map(k => (k === undefined ? [] : [made[k]!])),
  }
}

interface Joint {
  readonly body: Graph
  /** Position of each output of the loop among the joint loop's outputs, and of its tangent. */
  readonly primal: readonly number[]
  readonly tangent: readonly (number | undefined)[]
}

function jointBody(
  body: Graph,
  doubled: readonly (readonly [input: number, dot: boolean])[],
  carry: number,
  moving: readonly boolean[],
): Joint {
  const builder = new Builder()
  const ins: Ref[] = []
  const dots: (Ref | null)[] = body.inputs.map(() => null)
  for (const [i, dot] of doubled) {
    const port = body.inputs[i]!
    const ref = builder.input(dot ? port.name.replace('.', '.dot.') : port.name, body.shapes[port.value]!)
    if (dot) dots[i] = ref
    else ins[i] = ref
  }
  const { outputs, tangents } = pushGraph(builder, body, ins, dots)
  const entries = body.outputs.map((port, i) => ({ i, dot: false, name: port.name, value: outputs[i]!.id }))
  const dotted = body.outputs.flatMap((port, i) => {
    if (i < carry ? !moving[i] : tangents[i] === null) return []
    const ref = tangents[i] ?? zeros(builder.constant(0), outputs[i]!.shape)
    return [{ i, dot: true, name: port.name.replace('.', '.dot.'), value: ref.id }]
  })
  const isCarry = (entry: { i: number }): boolean => entry.i < carry
  const order = [
    ...entries.filter(isCarry),
    ...dotted.filter(isCarry),
    ...entries.filter(entry => !isCarry(entry)),
    ...dotted.filter(entry => !isCarry(entry)),
  ]
  const find = (i: number, dot: boolean): number | undefined => {
    const at = order.findIndex(entry => entry.i === i && entry.dot === dot)
    return at < 0 ? undefined : at
  }
  return {
    body: builder.build(order.map(({ name, value }) => ({ name, value }))),
    primal: body.outputs.map((_, i) => find(i, false)!),
    tangent: body.outputs.map((_, i) => find(i, true)),
  }
}
