import type { Instruction, LoopInstruction, Plan } from './plan.js'
import type { Buffer, Loop, View } from './view.js'

/** When a buffer holds something that is still read: from one instruction to another, counted through all loops' bodies. */
export interface Lifetime {
  readonly first: number
  readonly last: number
}

/**
 * The lifetimes of a plan's temporaries, by buffer id; buffers without one live throughout.
 *
 * A buffer that is touched inside a loop and outside it lives as long as the loop at least, since every step may
 * read what came before.
 */
export function lifetimes(plan: Plan): ReadonlyMap<number, Lifetime> {
  const found = new Map<number, Lifetime>()
  const pinned = pinnedBuffers(plan)
  walk(plan.instructions, (instruction, at) => {
    for (const { buffer } of viewsOf(instruction)) {
      if (pinned.has(buffer)) continue
      const known = found.get(buffer.id) ?? { first: at, last: at }
      found.set(buffer.id, { first: known.first, last: at })
    }
  })
  walk(
    plan.instructions,
    () => undefined,
    (start, end) => extend(found, start, end),
  )
  return found
}

/** An instruction that is no loop. */
export type Work = Exclude<Instruction, LoopInstruction>

/** Visits instructions in order, with their positions and the loops around them; loops after their bodies, with the range of positions. */
export function walk(
  instructions: readonly Instruction[],
  visit: (instruction: Work, at: number, loops: readonly Loop[]) => void,
  leave: (start: number, end: number) => void = () => undefined,
  from = 0,
  loops: readonly Loop[] = [],
): number {
  let at = from
  for (const instruction of instructions) {
    const start = at++
    if (instruction.kind !== 'loop') visit(instruction, start, loops)
    else {
      at = walk(instruction.body, visit, leave, at, [...loops, instruction.loop])
      leave(start, at)
    }
  }
  return at
}

/** What lives at a loop's beginning or end as well as inside it lives all through it. */
function extend(found: Map<number, Lifetime>, start: number, end: number): void {
  for (const [id, { first, last }] of found)
    if (first < end && last >= start && (first < start || last >= end))
      found.set(id, { first: Math.min(first, start), last: Math.max(last, end) })
}

/** What the caller reads or writes, and what stays from run to run. */
export function pinnedBuffers({ inputs, outputs, constants, swaps }: Plan): ReadonlySet<Buffer> {
  const views = [...inputs, ...outputs, ...constants].map(({ view }) => view.buffer)
  return new Set([...views, ...swaps.flat()])
}

/** The views an instruction reads or writes. */
export function viewsOf(instruction: Work): readonly View[] {
  switch (instruction.kind) {
    case 'fused':
      return instruction.operands
    case 'product':
      return [instruction.a, instruction.b, instruction.y, ...(instruction.room ? [instruction.room] : [])]
    case 'pack':
      return [instruction.from, instruction.to]
    case 'rows':
      return [instruction.table, instruction.ids, instruction.rows]
    case 'call':
      return [...instruction.inputs, ...instruction.outputs, instruction.room]
  }
}

/** An instruction with every view it reads or writes changed. */
export function withViews(work: Work, change: (view: View) => View): Work {
  switch (work.kind) {
    case 'fused':
      return { ...work, operands: work.operands.map(change) }
    case 'product': {
      const { a, b, y, room } = work
      return { ...work, a: change(a), b: change(b), y: change(y), room: room && change(room) }
    }
    case 'pack':
      return { ...work, from: change(work.from), to: change(work.to) }
    case 'rows':
      return { ...work, table: change(work.table), ids: change(work.ids), rows: change(work.rows) }
    case 'call': {
      const { inputs, outputs, room } = work
      return { ...work, inputs: inputs.map(change), outputs: outputs.map(change), room: change(room) }
    }
  }
}
