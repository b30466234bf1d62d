import type { Attrs } from '../attrs.js'
import type { Emission } from '../emission.js'
import type { Graph, OpSpec } from '../graph.js'
import { gelu, normalCdf, relu, softplus } from '../ops/activations.js'
import { sign } from '../ops/compare.js'
import { cos, pow, sin } from '../ops/functions.js'
import { concatSpec } from '../ops/join.js'
import { expand, flip, pad, permute, reshape, slice } from '../ops/shape.js'
import { splitSpec } from '../ops/split.js'
import type { ScanAttrs } from '../scan/attrs.js'
import type { Shape } from '../shape.js'
import type { Tensor } from '../tensor.js'
import { elementwiseNodes } from './lanes.js'
import { FLOAT, INT64, subgraph, text, whole, wholes } from './message.js'
import type { Sheet } from './sheet.js'

/** An application that is to be written in ONNX. */
interface Site {
  readonly sheet: Sheet
  readonly attrs: Attrs
  /** Names of the inputs, and their shapes. */
  readonly inputs: readonly string[]
  readonly from: readonly Shape[]
  /** Shapes of the outputs. */
  readonly to: readonly Shape[]
  /** Writes a graph on a sheet, from the names of its inputs to those of its outputs. */
  readonly write: (graph: Graph, sheet: Sheet, inputs: readonly string[]) => readonly string[]
}

/** Appends what an op is in ONNX; the names of its outputs. */
type Rule = (site: Site) => readonly string[]

/** An op that ONNX has under another name. */
const called =
  (type: string): Rule =>
  ({ sheet, inputs }) => [sheet.node(type, inputs)]

const settings = <A>(attrs: Attrs): A => attrs as unknown as A

/** The normal distribution function by the error function: ½ (1 + erf(x/√2)), so the far lower tail is 0. */
function normal({ sheet, inputs: [x] }: Site): string {
  const erf = sheet.node('Erf', [sheet.node('Mul', [x!, sheet.number(Math.SQRT1_2)])])
  return sheet.node('Mul', [sheet.node('Add', [erf, sheet.number(1)]), sheet.number(0.5)])
}

/** Ops with a form of their own; the others go by how they are emitted. */
const byOp: ReadonlyMap<OpSpec, Rule> = new Map<OpSpec, Rule>([
  [relu.spec, called('Relu')],
  [softplus.spec, called('Softplus')],
  [sign.spec, called('Sign')],
  [sin.spec, called('Sin')],
  [cos.spec, called('Cos')],
  [pow.spec, called('Pow')],
  [normalCdf.spec, site => [normal(site)]],
  [gelu.spec, site => [site.sheet.node('Mul', [site.inputs[0]!, normal(site)])]],
  [expand.spec, ({ sheet, inputs: [x], to: [shape] }) => [sheet.node('Expand', [x!, sheet.shape(shape!)])]],
  [reshape.spec, reshaped],
  [
    permute.spec,
    ({ sheet, inputs, attrs }) => [sheet.node('Transpose', inputs, [wholes('perm', axesOf(attrs))])],
  ],
  [flip.spec, flipped],
  [slice.spec, sliced],
  [pad.spec, padded],
  [concatSpec, ({ sheet, inputs, attrs }) => [sheet.node('Concat', inputs, [whole('axis', axisOf(attrs))])]],
  [splitSpec, parted],
])

const axesOf = (attrs: Attrs): readonly number[] => settings<{ axes: readonly number[] }>(attrs).axes
const axisOf = (attrs: Attrs): number => settings<{ axis: number }>(attrs).axis

function reshaped({ sheet, inputs: [x], to }: Site): readonly string[] {
  const [shape] = to as [Shape]
  const names = shape.filter(dim => typeof dim === 'string')
  const inferred = names.length === 1 && !shape.includes(0) // −1 stands for what is left
  const wanted = inferred
    ? sheet.wholes(shape.map(dim => (typeof dim === 'number' ? dim : -1)))
    : sheet.shape(shape)
  return [sheet.node('Reshape', [x!, wanted])]
}

/** Before the first element of any axis, so that a slice that steps backwards takes it. */
const BEFORE = Number.MIN_SAFE_INTEGER

function flipped({ sheet, inputs: [x], attrs }: Site): readonly string[] {
  const axes = axesOf(attrs)
  const [last, before] = [axes.map(() => -1), axes.map(() => BEFORE)]
  const places = [last, before, axes, last].map(values => sheet.wholes(values))
  return [sheet.node('Slice', [x!, ...places])]
}

function sliced({ sheet, inputs: [x], attrs }: Site): readonly string[] {
  const { axis, start, size } = settings<{ axis: number; start: number; size: number }>(attrs)
  return [sheet.node('Slice', [x!, ...[start, start + size, axis].map(value => sheet.wholes([value]))])]
}

function padded({ sheet, inputs: [x], from: [shape], attrs }: Site): readonly string[] {
  const { axis, start, length } = settings<{ axis: number; start: number; length: number }>(attrs)
  const behind = length - start - (shape![axis] as number)
  const along = (value: number): readonly number[] => shape!.map((_, i) => (i === axis ? value : 0))
  return [sheet.node('Pad', [x!, sheet.wholes([...along(start), ...along(behind)])])]
}

function parted({ sheet, inputs: [x], attrs }: Site): readonly string[] {
  const { axis, sizes } = settings<{ axis: number; sizes: readonly number[] }>(attrs)
  return sheet.nodes('Split', [x!, sheet.wholes(sizes)], [whole('axis', axis)], sizes.length)
}

/** The input summed, or its largest taken, over the axes that the output lacks or has with length 1. */
function reduced(by: 'sum' | 'max', { sheet, inputs: [x], from, to }: Site): string {
  const [large, small] = [from[0]!, to[0]!]
  const lacking = large.length - small.length
  const axes = large.flatMap((dim, i) => (i < lacking || (small[i - lacking] === 1 && dim !== 1) ? [i] : []))
  if (axes.length === 0) return x!
  const kept = whole('keepdims', axes.length === lacking ? 0 : 1)
  const total =
    by === 'sum'
      ? sheet.node('ReduceSum', [x!, sheet.wholes(axes)], [kept])
      : sheet.node('ReduceMax', [x!], [wholes('axes', axes), kept])
  if (lacking === 0 || axes.length === lacking) return total
  return sheet.node('Squeeze', [total, sheet.wholes(axes.slice(0, lacking))])
}

/** Whole numbers held as float32, as int64. */
const ids = (sheet: Sheet, value: string): string => sheet.node('Cast', [value], [whole('to', INT64)])

function rows(direction: 'out' | 'in' | 'one', { sheet, inputs: [a, b], to: [shape] }: Site): string {
  if (direction === 'out') return sheet.node('Gather', [a!, ids(sheet, b!)], [whole('axis', 0)])
  const places = (value: string): string => sheet.node('Unsqueeze', [value, sheet.wholes([-1])])
  if (direction === 'one') {
    const hit = sheet.node('Equal', [places(a!), sheet.constant(counted(shape!.at(-1) as number))])
    return sheet.node('Cast', [hit], [whole('to', FLOAT)])
  }
  const empty = sheet.node('Expand', [sheet.number(0), sheet.shape(shape!)])
  return sheet.node('ScatterND', [empty, places(ids(sheet, b!)), a!], [text('reduction', 'add')])
}

/** 0, 1, …, size − 1. */
const counted = (size: number): Tensor => ({
  shape: [size],
  data: Float64Array.from({ length: size }, (_, i) => i),
})

/** A scan. What its body reads from outside, it reads by name; without sequences it gets one of zeros, which counts the steps. */
function loop({ sheet, inputs, to, attrs, write }: Site): readonly string[] {
  const { body, carry, xs, length, reverse } = settings<ScanAttrs>(attrs)
  const inner = sheet.body()
  const entering = body.inputs.slice(0, carry + xs)
  const edges = entering.map(({ name, value }) => ({ name: inner.name(name), shape: body.shapes[value]! }))
  const results = write(body, inner, [...edges.map(({ name }) => name), ...inputs.slice(carry + xs)])
  const leaving = body.outputs.map(({ value }, i) => {
    const name = inner.name('result')
    inner.output(results[i]!, name)
    return { name, shape: body.shapes[value]! }
  })
  const counter = xs > 0 ? [] : [sheet.node('Expand', [sheet.number(0), sheet.shape([length])])]
  const ticks = counter.map(() => ({ name: inner.name('tick'), shape: [] }))
  const along = (count: number): readonly number[] => new Array<number>(count).fill(reverse ? 1 : 0)
  return sheet.nodes(
    'Scan',
    [...inputs.slice(0, carry + xs), ...counter],
    [
      subgraph('body', inner.message('step', [...edges, ...ticks], leaving)),
      whole('num_scan_inputs', xs + counter.length),
      wholes('scan_input_directions', along(xs + counter.length)),
      wholes('scan_output_directions', along(to.length - carry)),
    ],
    to.length,
  )
}

function byEmission(emission: Emission, site: Site): readonly string[] | undefined {
  const { sheet, inputs, from, to, attrs } = site
  switch (emission.kind) {
    case 'lanes': {
      const values = inputs.map((name, i) => ({ name, shape: from[i]! }))
      return [elementwiseNodes(sheet, emission.lanes, values, attrs, to[0]!)]
    }
    case 'reduce':
      return [reduced(emission.by, site)]
    case 'product':
      return [sheet.node('Einsum', inputs, [text('equation', emission.spec(attrs))])]
    case 'rows':
      return [rows(emission.direction, site)]
    case 'loop':
      return loop(site)
    default:
      return undefined
  }
}

/** What an application is in ONNX: the names of its outputs; undefined where it has no form there. */
export function written(op: OpSpec, site: Site): readonly string[] | undefined {
  const rule = byOp.get(op)
  if (rule !== undefined) return rule(site)
  return op.emission === undefined ? undefined : byEmission(op.emission, site)
}
