import { GraphError } from '@bptt/graph'
import { checkSteps, isWhole, shown } from '../checks.js'

/** What is done next on the way back through a timeline. State t is the carry after step t; state 0 is given. */
export type Action =
  /** Run step t from the current state t − 1, keeping nothing but state t. */
  | { readonly do: 'advance'; readonly t: number }
  /** Hold the current state t. */
  | { readonly do: 'save'; readonly t: number }
  /** The held state t is the current one. */
  | { readonly do: 'restore'; readonly t: number }
  /** State t is held no longer. */
  | { readonly do: 'drop'; readonly t: number }
  /** Run step t from the current state t − 1 and pull credit back through it. */
  | { readonly do: 'back'; readonly t: number }

/** Where states are held, and what is run again. */
export interface CheckpointPlan {
  readonly text: string
  readonly steps: number
  readonly actions: readonly Action[]
  /** The most states held at once, state 0 included; beside them, a step at work has its own and a cotangent. */
  readonly held: number
  /** Advances: steps that are run besides the one that goes with each step back. */
  readonly advances: number
}

/**
 * A state every k steps, √T where not given: the way forward holds ⌈T/k⌉ states, and going back holds those of one
 * segment more. (⌈T/k⌉ − 1) k + T − ⌈T/k⌉ advances: forward to the last segment, then every step but the last of each [chen2016].
 * @throws GraphError `bad-steps`, `bad-checkpoint`.
 */
export function checkpointEvery(steps: number, k: number = Math.ceil(Math.sqrt(steps))): CheckpointPlan {
  checkSteps('checkpointEvery', steps)
  if (!isWhole(k, 1))
    throw new GraphError(
      'bad-checkpoint',
      'checkpointEvery',
      `every is ${shown(k)}; a state is held every so many steps, a whole number ≥ 1`,
      'leave it out for √T, which holds the fewest',
    )
  const starts = Array.from({ length: Math.ceil(steps / k) }, (_, i) => i * k)
  const actions: Action[] = [{ do: 'save', t: 0 }]
  for (let t = 1; t <= starts.at(-1)!; t++) {
    actions.push({ do: 'advance', t })
    if (t % k === 0) actions.push({ do: 'save', t })
  }
  for (const start of starts.toReversed()) actions.push(...segmentBack(start, Math.min(steps, start + k)))
  return finished(`every ${k} of ${steps}`, steps, actions)
}

/** Holds every state of a segment, then goes back over it. */
function segmentBack(start: number, end: number): readonly Action[] {
  const actions: Action[] = [{ do: 'restore', t: start }]
  for (let t = start + 1; t < end; t++) actions.push({ do: 'advance', t }, { do: 'save', t })
  for (let t = end; t > start; t--)
    actions.push({ do: 'restore', t: t - 1 }, { do: 'back', t }, { do: 'drop', t: t - 1 })
  return actions
}

/**
 * The fewest advances with s states held at once, state 0 among them: r T − C(s + r, s + 1), r the smallest with
 * C(s + r, s) ≥ T [griewank-walther2000].
 * @throws GraphError `bad-steps`, `bad-checkpoint`.
 */
export function revolve(steps: number, snapshots: number): CheckpointPlan {
  checkSteps('revolve', steps)
  checkSnapshots('revolve', snapshots)
  const actions: Action[] = [{ do: 'save', t: 0 }]
  // segments to go back over, last first: a stack, so that no depth of calls grows with T
  const open: Todo[] = [{ do: 'reverse', from: 0, length: steps, left: snapshots }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next.do !== 'reverse') actions.push(next)
    else if (next.length === 1)
      actions.push({ do: 'restore', t: next.from }, { do: 'back', t: next.from + 1 })
    else if (next.left === 1) actions.push(...fromOne(next.from, next.length))
    else open.push(...split(next.from, next.length, next.left).toReversed())
  }
  return finished(`revolve ${snapshots} of ${steps}`, steps, actions)
}

/** An action, or a segment to go back over with so many states left to hold. */
type Todo =
  | Action
  | { readonly do: 'reverse'; readonly from: number; readonly length: number; readonly left: number }

/** Advances to the best place for the next state, and goes back over what is behind it, then over what is before. */
function split(from: number, length: number, left: number): readonly Todo[] {
  const m = bestSplit(length, left)
  const advances = Array.from({ length: m }, (_, i): Todo => ({ do: 'advance', t: from + i + 1 }))
  return [
    { do: 'restore', t: from },
    ...advances,
    { do: 'save', t: from + m },
    { do: 'reverse', from: from + m, length: length - m, left: left - 1 },
    { do: 'drop', t: from + m },
    { do: 'reverse', from, length: m, left },
  ]
}

/** Every step from the one state that is held. */
function fromOne(from: number, length: number): readonly Action[] {
  const actions: Action[] = []
  for (let t = from + length; t > from; t--) {
    actions.push({ do: 'restore', t: from })
    for (let s = from + 1; s < t; s++) actions.push({ do: 'advance', t: s })
    actions.push({ do: 'back', t })
  }
  return actions
}

/** m in [1, length) with the least m + p(length − m, left − 1) + p(m, left). */
function bestSplit(length: number, left: number): number {
  let [best, least] = [1, Number.POSITIVE_INFINITY]
  for (let m = 1; m < length; m++) {
    const cost = m + advancesOf(length - m, left - 1) + advancesOf(m, left)
    if (cost < least) [best, least] = [m, cost]
  }
  return best
}

/**
 * p(l, s) = r l − C(s + r, s + 1): the fewest advances to go back over l steps with s states [griewank-walther2000].
 * @throws GraphError `bad-steps`, `bad-checkpoint`.
 */
export function leastAdvances(steps: number, snapshots: number): number {
  checkSteps('leastAdvances', steps)
  checkSnapshots('leastAdvances', snapshots)
  return advancesOf(steps, snapshots)
}

function advancesOf(steps: number, snapshots: number): number {
  if (steps === 1) return 0
  let [r, reach] = [0, 1]
  while (reach < steps) {
    r++
    reach = (reach * (snapshots + r)) / r
  }
  return r * steps - (reach * r) / (snapshots + 1)
}

/**
 * The plan with the fewest advances within a budget: `revolve` with as many states as fit. A state has a whole number of bytes ≥ 0.
 * @throws GraphError `bad-steps`; `bad-checkpoint` where not even one state fits.
 */
export function withinBytes(steps: number, bytes: number, stateBytes: number): CheckpointPlan {
  checkSteps('withinBytes', steps)
  const refuse = (detail: string, hint: string): never => {
    throw new GraphError('bad-checkpoint', 'withinBytes', detail, hint)
  }
  if (!isWhole(stateBytes, 0))
    refuse(
      `stateBytes is ${shown(stateBytes)}; it is a whole number ≥ 0`,
      'eight for every number of a carry',
    )
  if (typeof bytes !== 'number' || Number.isNaN(bytes) || bytes < stateBytes)
    refuse(
      `bytes is ${shown(bytes)} and a state has ${stateBytes} bytes; a budget is a number, and holds at least one state`,
      `${steps * stateBytes} bytes hold a state for every step`,
    )
  const fit = stateBytes === 0 ? steps : Math.floor(bytes / stateBytes)
  return revolve(steps, Math.min(steps, fit))
}

function checkSnapshots(where: string, snapshots: unknown): void {
  if (!isWhole(snapshots, 1))
    throw new GraphError(
      'bad-checkpoint',
      where,
      `snapshots is ${shown(snapshots)}; state 0 is held, so it is a whole number ≥ 1`,
      '1 holds the least; more states, fewer advances',
    )
}

function finished(text: string, steps: number, actions: readonly Action[]): CheckpointPlan {
  let [now, held, advances] = [0, 0, 0]
  for (const action of actions) {
    if (action.do === 'save') now++
    if (action.do === 'drop') now--
    if (action.do === 'advance') advances++
    held = Math.max(held, now)
  }
  return { text, steps, actions, held, advances }
}
