import type { ApplyNode } from '../graph.js'
import type { ScanAttrs } from '../scan/attrs.js'
import type { Dim } from '../shape.js'
import { Level, type Planner, type Surroundings } from './level.js'
import { copyOf } from './memory.js'
import type { Instruction } from './plan.js'
import { type Buffer, type Loop, sameView, sliceOf, slotSize, type View, whole } from './view.js'

/** A carry of a loop: where a step reads it, where it writes the next one, and where it lies before and after. */
interface Carry {
  readonly read: View
  readonly write: View
  readonly first: View
  readonly last: View
  /** The stacked values before each step, and after each step, where all are kept. */
  readonly before: View | undefined
  readonly after: View | undefined
}

/** Plans a scan as a loop. A carry whose values are stacked anyway lives in the stack, with one slot more than steps. */
export function planLoop(level: Level, node: ApplyNode, other: Planner): void {
  const attrs = node.attrs as ScanAttrs
  const { body } = attrs
  const loop = level.memory.loop(attrs.length, attrs.reverse)
  const depth = level.loops.length
  const shapes = body.shapes.map(shape => level.memory.bind(shape))
  const carries = body.outputs.slice(0, attrs.carry).map((port, i) => {
    const stacked = body.outputs
      .slice(attrs.carry)
      .some(y => y.value === port.value || y.value === body.inputs[i]!.value)
    const shape = shapes[port.value]!
    return stacked ? keptCarry(level, shape, loop, depth) : heldCarry(level, shape, loop)
  })
  const stacks = stacksOf(level, attrs, carries, node)
  const inputs = node.inputs.map((id, i) => enter(level.view(id), i, attrs, carries, loop))
  const starts = carries.map((carry, i) => copyOf('carry', level.view(node.inputs[i]!), carry.first))
  const prelude: Instruction[] = []
  const around = {
    memory: level.memory,
    loops: [...level.loops, loop],
    preludes: [...level.preludes, prelude],
  }
  const inner = planBody(attrs, around, inputs, carries, stacks, other)
  level.append(node.outputs, [...starts, ...prelude, { kind: 'loop', loop, body: inner }])
  node.outputs.forEach((id, i) =>
    level.alias(id, id, i < attrs.carry ? carries[i]!.last : stacks[i - attrs.carry]!),
  )
}

function enter(view: View, i: number, { carry, xs }: ScanAttrs, carries: readonly Carry[], loop: Loop): View {
  if (i < carry) return carries[i]!.read
  return i < carry + xs ? sliceOf(view, loop) : view
}

/** A carry of which every value is kept: slot t before step t, slot t + 1 after it; the other way round in a reversed loop. */
function keptCarry(level: Level, shape: readonly Dim[], loop: Loop, depth: number): Carry {
  const size = slotSize(shape)
  const { length } = loop
  const buffer: Buffer = level.memory.buffer(
    'carry',
    size,
    typeof length === 'number' ? length + 1 : length,
    depth,
  )
  const slot = whole(buffer, shape)
  const stack = whole(buffer, [length, ...shape])
  const moving = { ...slot, moves: [{ by: loop, stride: size }] }
  const end =
    typeof length === 'number'
      ? { ...slot, offset: length * size }
      : { ...slot, moves: [{ by: length, stride: size }] }
  const up = (view: View): View => ({ ...view, offset: view.offset + size })
  return loop.reverse
    ? { read: up(moving), write: moving, first: end, last: slot, before: up(stack), after: stack }
    : { read: moving, write: up(moving), first: slot, last: end, before: stack, after: up(stack) }
}

/** A carry of which only the newest value is kept: one place, which moves with the loop by nothing, since its value changes. */
function heldCarry({ memory, loops }: Level, shape: readonly Dim[], loop: Loop): Carry {
  const view = memory.temporary(shape, loops.length, 'carry')
  const now = { ...view, moves: [{ by: loop, stride: 0 }] }
  return { read: now, write: now, first: view, last: view, before: undefined, after: undefined }
}

/** Where every stacked output lies: in a kept carry, where it is one, else in a buffer of its own. */
function stacksOf(
  level: Level,
  attrs: ScanAttrs,
  carries: readonly Carry[],
  node: ApplyNode,
): readonly View[] {
  const { body } = attrs
  const found = new Map<number, View>()
  carries.forEach(({ before, after }, i) => {
    if (before && !found.has(body.inputs[i]!.value)) found.set(body.inputs[i]!.value, before)
    if (after && !found.has(body.outputs[i]!.value)) found.set(body.outputs[i]!.value, after)
  })
  return body.outputs.slice(attrs.carry).map(({ value }, j) => {
    const made = found.get(value) ?? level.home(node.outputs[attrs.carry + j]!)
    found.set(value, made)
    return made
  })
}

function planBody(
  attrs: ScanAttrs,
  around: Surroundings,
  inputs: readonly View[],
  carries: readonly Carry[],
  stacks: readonly View[],
  other: Planner,
): readonly Instruction[] {
  const { body } = attrs
  const loop = around.loops.at(-1)!
  const homes = new Map<number, View>()
  carries.forEach((carry, i) => {
    if (carry.after !== undefined && !homes.has(body.outputs[i]!.value))
      homes.set(body.outputs[i]!.value, carry.write)
  })
  const ys = body.outputs.slice(attrs.carry)
  ys.forEach(({ value }, j) => {
    if (!homes.has(value)) homes.set(value, sliceOf(stacks[j]!, loop))
  })
  const inner = new Level(body, around, inputs, homes)
  inner.plan(other)
  const stored = ys.map(({ value }, j) => [inner.view(value), sliceOf(stacks[j]!, loop)] as const)
  const carried = carries.map((carry, i) => [inner.view(body.outputs[i]!.value), carry] as const)
  const kept = carried
    .filter(([, carry]) => carry.after !== undefined)
    .map(([from, carry]) => [from, carry.write] as const)
  const held = carried.filter(([, carry]) => carry.after === undefined)
  const moves = [...stored, ...kept]
    .filter(([from, to]) => !sameView(from, to))
    .map(([from, to]) => copyOf('stacked', from, to))
  return [...inner.finish(), ...moves, ...exchange(inner, held)]
}

/** Writes held carries: one that is another look at a carry goes through a temporary, since all change at once. */
function exchange(inner: Level, held: readonly (readonly [View, Carry])[]): readonly Instruction[] {
  const olds = new Set(held.map(([, carry]) => carry.write.buffer))
  const before: Instruction[] = []
  const after = held.flatMap(([from, { write }]) => {
    if (sameView(from, write)) return []
    if (!olds.has(from.buffer)) return [copyOf('carry', from, write)]
    const middle = inner.memory.temporary(write.shape, inner.loops.length)
    before.push(copyOf('carry', from, middle))
    return [copyOf('carry', middle, write)]
  })
  return [...before, ...after]
}
