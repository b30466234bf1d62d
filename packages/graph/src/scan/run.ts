import { GraphError } from '../error.js'
import { bind, run } from '../evaluate.js'
import type { Node } from '../graph.js'
import { type Shape, sameShape, showShape, sizeOf } from '../shape.js'
import type { Run } from '../spec.js'
import { filled, type Tensor } from '../tensor.js'
import type { ScanAttrs } from './attrs.js'

/** The shape rule: inputs fit the body, sequences have the scan's length in front. */
export function outputShapes(
  inputs: readonly Shape[],
  { body, carry, xs, length }: ScanAttrs,
): readonly Shape[] {
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

/** Runs the body once per step. */
export function runScan(
  inputs: readonly Tensor[],
  { shapes, bindings }: Run,
  attrs: ScanAttrs,
): readonly Tensor[] {
  const { body, carry, xs } = attrs
  const steps = typeof attrs.length === 'number' ? attrs.length : bindings.get(attrs.length)!
  const bound = bind(body, bindings)
  const stacked = shapes.slice(carry).map(shape => filled(shape, 0))
  let state = inputs.slice(0, carry)
  const consts = inputs.slice(carry + xs)
  for (let k = 0; k < steps; k++) {
    const t = attrs.reverse ? steps - 1 - k : k
    const slices = inputs.slice(carry, carry + xs).map(sequence => sliceAt(sequence, t))
    const values = run(body, [...state, ...slices, ...consts], bound, bindings)
    const results = body.outputs.map(port => values[port.value]!)
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
