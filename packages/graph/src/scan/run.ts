import { GraphError } from '../error.js'
import { bind, run } from '../evaluate.js'
import type { Run, Visit } from '../graph.js'
import { isGraph, type Node } from '../graph.js'
import { checkShape, type Shape, sameShape, showShape, sizeOf } from '../shape.js'
import { filled, type Tensor } from '../tensor.js'
import type { ScanAttrs } from './attrs.js'

/** The shape rule: inputs fit the body, sequences have the scan's length in front. */
export function outputShapes(inputs: readonly Shape[], attrs: ScanAttrs): readonly Shape[] {
  const { body, carry, xs, length } = attrs
  checkLoop(inputs.length, attrs)
  body.inputs.forEach((port, i) => {
    const wanted = body.shapes[port.value]!
    const shape = i >= carry && i < carry + xs ? [length, ...wanted] : wanted
    if (inputs[i] === undefined || !sameShape(inputs[i], shape))
      throw new GraphError(
        'shape',
        'scan',
        `'${port.name}' is ${inputs[i] ? showShape(inputs[i]) : 'missing'}; the body needs ${showShape(shape)}`,
      )
  })
  return body.outputs.map((port, i) =>
    i < carry ? body.shapes[port.value]! : [length, ...body.shapes[port.value]!],
  )
}

/** Settings that a traced scan has by construction, and one that was read or edited may lack. */
function checkLoop(inputs: number, { body, carry, xs, length }: ScanAttrs): void {
  const wrong = (detail: string): GraphError => new GraphError('scan-settings', 'scan', detail)
  if (!isGraph(body)) throw wrong('has no body; the setting body is a graph')
  if (![carry, xs].every(n => Number.isInteger(n) && n >= 0) || carry + xs > body.inputs.length)
    throw wrong(
      `carry ${carry} and xs ${xs} do not count the first of the body's ${body.inputs.length} inputs`,
    )
  if (inputs !== body.inputs.length)
    throw wrong(`has ${inputs} inputs, its body ${body.inputs.length}; they stand in the same order`)
  if (carry > body.outputs.length)
    throw wrong(
      `carry is ${carry}, and the body has ${body.outputs.length} outputs; the first ones are the next carry`,
    )
  checkShape([length], 'scan')
  for (let i = 0; i < carry; i++) {
    const [from, to] = [body.inputs[i]!, body.outputs[i]!].map(port => body.shapes[port.value]!) as [
      Shape,
      Shape,
    ]
    if (!sameShape(from, to))
      throw wrong(
        `carry '${body.inputs[i]!.name}' enters the body as ${showShape(from)} and leaves it as ${showShape(to)}; a carry keeps its shape`,
      )
  }
}

/** Runs the body once per step. */
export function runScan(inputs: readonly Tensor[], at: Run, attrs: ScanAttrs): readonly Tensor[] {
  const bound = bind(attrs.body, at.bindings)
  return replayScan(inputs, at, attrs, (body, values) => {
    const made = run(body, values, bound, at.bindings)
    return body.outputs.map(port => made[port.value]!)
  })
}

/** Runs the loop, with every step of the body left to `visit`. */
export function replayScan(
  inputs: readonly Tensor[],
  { shapes, bindings }: Run,
  attrs: ScanAttrs,
  visit: Visit,
): readonly Tensor[] {
  const { body, carry, xs } = attrs
  const steps = typeof attrs.length === 'number' ? attrs.length : bindings.get(attrs.length)!
  const stacked = shapes.slice(carry).map(shape => filled(shape, 0))
  let state = inputs.slice(0, carry)
  const consts = inputs.slice(carry + xs)
  for (let k = 0; k < steps; k++) {
    const t = attrs.reverse ? steps - 1 - k : k
    const slices = inputs.slice(carry, carry + xs).map(sequence => sliceAt(sequence, t))
    const results = visit(body, [...state, ...slices, ...consts], bindings, t + 1)
    state = results.slice(0, carry)
    stacked.forEach((whole, j) => {
      const part = results[carry + j]!
      whole.data.set(part.data, t * part.data.length)
    })
  }
  return [...state, ...stacked]
}

/** Step t of a sequence, without copying. */
function sliceAt({ shape, data }: Tensor, t: number): Tensor {
  const rest = shape.slice(1)
  const size = sizeOf(rest)
  return { shape: rest, data: data.subarray(t * size, (t + 1) * size) }
}

/** The flops of the body, times the steps. */
export function scanFlops(
  _inputs: readonly (readonly number[])[],
  { bindings }: Run,
  { body, length }: ScanAttrs,
): number {
  const steps = typeof length === 'number' ? length : bindings.get(length)!
  const shapes = bind(body, bindings)
  const flopsOf = (node: Node): number =>
    node.kind === 'apply'
      ? node.op.flops(
          node.inputs.map(id => shapes[id]!),
          { attrs: node.attrs, shapes: node.outputs.map(id => shapes[id]!), bindings },
        )
      : 0
  return steps * body.nodes.reduce((sum, node) => sum + flopsOf(node), 0)
}
