import type { Emission } from '../emission.js'
import type { ApplyNode } from '../graph.js'
import type { Level, Planner } from './level.js'
import { planLoop } from './loop.js'
import { copyOf, fillOf } from './memory.js'
import { partsIn } from './places.js'
import type { Instruction } from './plan.js'
import { formOf, type Matrices, matrices } from './product.js'
import { gradientRoom } from './products.js'
import { type Axis, isPacked, sameView, type View } from './view.js'

/** Columns of a panel, the widest of any element type. */
const PANEL = 8

/** Plans the nodes that are no elementwise work, by what their ops say about themselves. */
export const lowering: Planner = (level, node) => {
  const { emission } = node.op
  if (emission?.kind === 'view') planView(level, node, emission)
  else if (emission?.kind === 'reduce') planReduction(level, node, emission)
  else if (emission?.kind === 'place') planPlace(level, node, emission)
  else if (emission?.kind === 'product') planProduct(level, node, emission)
  else if (emission?.kind === 'rows') planRows(level, node, emission)
  else if (emission?.kind === 'loop') planLoop(level, node, lowering)
  else planCall(level, node)
}

type Of<K extends Emission['kind']> = Extract<Emission, { kind: K }>

function planView(level: Level, node: ApplyNode, { view }: Of<'view'>): void {
  const [input] = node.inputs as [number]
  const look = (from: View): readonly (View | undefined)[] =>
    node.outputs.map((id, k) => {
      const layout = view(from, node.attrs, level.shapes[id]!, k)
      return layout && { ...from, ...layout }
    })
  const found = look(level.view(input))
  if (found.every(layout => layout !== undefined)) {
    node.outputs.forEach((id, k) => {
      level.alias(id, input, found[k]!)
    })
  } else planPackedView(level, node, look)
}

/** A view that only a packed value has: of a copy. */
function planPackedView(
  level: Level,
  node: ApplyNode,
  look: (from: View) => readonly (View | undefined)[],
): void {
  const [input] = node.inputs as [number]
  const packed = level.memory.temporary(level.shapes[input]!, level.loops.length)
  const found = look(packed)
  if (found.includes(undefined)) {
    planCall(level, node)
    return
  }
  level.append(node.outputs, [copyOf(node.op.name, level.view(input), packed)])
  node.outputs.forEach((id, k) => {
    level.alias(id, id, found[k]!)
  })
}

/** A reduced axis has length 1 or is missing in the output: its stride there is 0. */
function planReduction(level: Level, node: ApplyNode, { by }: Of<'reduce'>): void {
  level.reduce(node.outputs[0]!, node.inputs[0]!, by)
}

/** Parts that were written in place are there; others are copied. What no part covers is zero. */
function planPlace(level: Level, node: ApplyNode, { parts }: Of<'place'>): void {
  const value = node.outputs[0]!
  const to = level.home(value)
  const places = partsIn(level.shapes, node, parts, to)
  const { axis } = parts(node.attrs, [])
  const covered = places.reduce((sum, place) => sum + (place.shape[axis] as number), 0)
  const fills = covered === to.shape[axis] ? [] : [fillOf(to, 0)]
  const copies = node.inputs.flatMap((id, i) => {
    const from = level.view(id)
    return sameView(from, places[i]!) ? [] : [copyOf(node.op.name, from, places[i]!)]
  })
  level.append([value], [...fills, ...copies])
}

function planProduct(level: Level, node: ApplyNode, { spec }: Of<'product'>): void {
  const value = node.outputs[0]!
  const [a, b] = node.inputs.map(id => level.view(id)) as [View, View]
  const y = level.home(value)
  const found = matrices(spec(node.attrs), a, b, y)
  const form = found && formOf(found)
  if (found === undefined || form === undefined) {
    planCall(level, node)
    return
  }
  const { before, ...made } = form === 'tile' ? packed(level, found) : { ...found, before: [] }
  const room = form === 'gradient' ? scratch(level, found) : undefined
  level.append([value], [...before, { kind: 'product', name: node.op.name, form, ...made, room }])
}

/** Room for the panels of a chunk of rows. */
function scratch({ memory, loops }: Level, { m, n }: Matrices): View {
  return memory.temporary([gradientRoom(m.length.factor, n.length.factor)], loops.length, 'scratch')
}

/**
 * The product with its second operand in panels: packed once before the outermost loop in which it does not change,
 * for every place of the batch axes that it has.
 */
function packed(level: Level, found: Matrices): Matrices & { readonly before: readonly Instruction[] } {
  const { memory, loops } = level
  const { b, n, k } = found
  const depth = memory.depthOf(b, loops)
  const columns = Math.ceil(n.length.factor / PANEL) * PANEL
  const panels = columns * k.length.factor
  const steps = placeSteps(found.batch, panels)
  const places = found.batch.filter(({ strides }) => strides[1] !== 0)
  const name = places.flatMap(({ length }) => (typeof length === 'string' ? [length] : []))
  const room = [...name, places.reduce((size, { factor }) => size * factor, panels)]
  const to = memory.temporary(room, depth, 'panels')
  const pack: Instruction = {
    kind: 'pack',
    from: b,
    k: k.b,
    n: n.b,
    rows: k.length,
    columns: n.length.factor,
    to,
    batch: found.batch.flatMap((axis, i) =>
      axis.strides[1] === 0 ? [] : [{ ...axis, strides: [axis.strides[1]!, steps[i]!] }],
    ),
  }
  const batch = found.batch.map((axis, i) => ({
    ...axis,
    strides: [axis.strides[0]!, steps[i]!, axis.strides[2]!],
  }))
  if (depth < loops.length) level.preludes[depth]!.push(pack)
  return { ...found, b: to, batch, before: depth < loops.length ? [] : [pack] }
}

/** Strides of panels along batch axes, a named one outermost: 0 along those that the packed operand does not have. */
function placeSteps(batch: readonly Axis[], panels: number): readonly number[] {
  let step = panels
  const steps = batch.map(() => 0)
  for (const kind of ['number', 'string'])
    batch.forEach(({ length, factor, strides }, i) => {
      if (strides[1] === 0 || typeof length !== kind) return
      steps[i] = step
      step *= factor
    })
  return steps
}

function planRows(level: Level, node: ApplyNode, { direction }: Of<'rows'>): void {
  const value = node.outputs[0]!
  const operands = node.inputs.map(id => packedView(level, id))
  const ids = operands.at(-1)!
  const target = level.home(value)
  if (!isPacked(target)) {
    planCall(level, node)
    return
  }
  const first = direction === 'one' ? { view: target, before: [] } : operands[0]!
  const [table, rows] = direction === 'out' ? [first.view, target] : [target, first.view]
  const fills = direction === 'out' ? [] : [fillOf(target, 0)]
  const work: Instruction = { kind: 'rows', name: node.op.name, direction, table, ids: ids.view, rows }
  level.append([value], [...first.before, ...ids.before, ...fills, work])
}

interface Packed {
  readonly view: View
  readonly before: readonly Instruction[]
}

/** The value in row-major order, copied where it lies otherwise. */
function packedView(level: Level, value: number): Packed {
  const view = level.view(value)
  if (isPacked(view)) return { view, before: [] }
  const packed = level.memory.temporary(view.shape, level.loops.length)
  return { view: packed, before: [copyOf('packed', view, packed)] }
}

/** Anything else runs in JavaScript, on packed copies. */
function planCall(level: Level, node: ApplyNode): void {
  const inputs = node.inputs.map(id => packedView(level, id))
  const homes = node.outputs.map(id => level.home(id))
  const outputs = homes.map(home =>
    isPacked(home) ? home : level.memory.temporary(home.shape, level.loops.length),
  )
  const call: Instruction = {
    kind: 'call',
    op: node.op,
    attrs: node.attrs,
    inputs: inputs.map(({ view }) => view),
    outputs,
    room: level.memory.temporary([inputs.length + outputs.length], level.loops.length),
  }
  const after = homes.flatMap((home, i) => (home === outputs[i] ? [] : [copyOf('result', outputs[i]!, home)]))
  level.append(node.outputs, [...inputs.flatMap(({ before }) => before), call, ...after])
}
