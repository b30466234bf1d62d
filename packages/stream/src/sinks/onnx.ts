import {
  type Dim,
  type Graph,
  GraphError,
  graph,
  inline,
  isShape,
  isTensor,
  leaves,
  mapTree,
  type Ref,
  type Shape,
  type Tensor,
  type Tree,
} from '@bptt/graph'
import { toOnnx } from '@bptt/graph/onnx'
import { type Cell, unroll } from '@bptt/unroll'

/** How a model is exported. */
export interface ExportOptions {
  /** `step`: one step, for streams; `scan`: a whole sequence in one run. */
  readonly form: 'step' | 'scan'
  /** Number of examples side by side, or the name of an axis of any length; `batch` where not given. */
  readonly batch?: Dim
  /** Number of steps of a `scan`, or the name of an axis of any length; `time` where not given. */
  readonly steps?: Dim
  /** What the model is, for people who look at it. */
  readonly description?: string
  /** Texts that are kept in the model, such as an alphabet. */
  readonly metadata?: Readonly<Record<string, string>>
}

/**
 * The bytes of an ONNX model (opset 17, float32) that runs a trained cell elsewhere: onnxruntime in Python, C++ or a browser.
 *
 * `step`: inputs `x` [batch, ...input] and `carry.NAME` [batch, ...]; outputs `y` [batch, ...output] and `next.NAME`, the carry after the
 * step, which is the `carry.NAME` of the next. `scan`: inputs `xs` [time, batch, ...] and `carry.NAME`; outputs `ys` [time, batch, ...] and
 * `next.NAME`, the carry after the last step. A sequence begins with zeros in the carry. Parameters are initialisers, under their names
 * with `params.` in front. Symbols of an embedding are float32 as well.
 *
 * @example
 * await writeFile('model.onnx', exportOnnx(model, online.snapshot().params, { form: 'step' }))
 * @throws GraphError as `toOnnx`; `missing-input`, `extra-input`, `shape` where the parameters are not the cell's.
 */
export function exportOnnx(model: Cell, params: Tree<Tensor>, options: ExportOptions): Uint8Array {
  const { form, batch = 'batch', steps = 'time', description = '', metadata = {} } = options
  checkParams(model, params)
  const made = form === 'step' ? stepOf(model, batch) : scanOf(model, batch, steps)
  return toOnnx(made, { values: { params }, name: model.name, description, metadata })
}

/** A parameter that is missing would be an input of the model. */
function checkParams(model: Cell, params: Tree<Tensor>): void {
  const given = new Set(leaves(params, isTensor, 'params').map(([name]) => name))
  const missing = leaves(model.params, isShape, model.name).find(([name]) => !given.has(name))
  if (missing === undefined) return
  const has = [...given].join(', ') || 'none'
  throw new GraphError(
    'missing-input',
    'exportOnnx',
    `the parameter '${missing[0]}' has no value; given ${has}`,
  )
}

interface Inputs {
  readonly params?: Tree<Ref>
  readonly carry?: Tree<Ref>
  readonly x: Ref
}

/** A graph has no empty branches. */
const inputsOf = ({ params, carry }: Cell, batch: Dim): object => ({
  params,
  carry: mapTree(carry, isShape, shape => [batch, ...shape]),
})

function stepOf(model: Cell, batch: Dim): Graph {
  const inputs = { ...inputsOf(model, batch), x: [batch, ...model.input] }
  return graph(inputs as Tree<Shape>, refs => {
    const { params = {}, carry = {}, x } = refs as unknown as Inputs
    const [next, y] = model.step(params, carry, x)
    return { y, next }
  }) as Graph
}

function scanOf(model: Cell, batch: Dim, steps: Dim): Graph {
  const line = unroll(model, { steps, batch }).graph
  const inputs = { ...inputsOf(model, batch), xs: [steps, batch, ...model.input] }
  return graph(inputs as Tree<Shape>, refs => {
    const { ys, carry = {} } = inline(line, refs as unknown as Tree<Ref>) as { ys: Ref; carry?: Tree<Ref> }
    return { ys, next: carry }
  }) as Graph
}
