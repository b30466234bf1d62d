import {
  add,
  evaluate,
  type Graph,
  GraphError,
  graph,
  grow,
  inline,
  inputTensors,
  isRef,
  leaves,
  mul,
  type Ref,
  type Shape,
  sizeOf,
  sum,
  type Tensor,
  type Tree,
  type Values,
  valueAndGradient,
} from '@bptt/graph'
import { shown } from '../checks.js'
import { checkFlags } from '../flags.js'
import { combined, rowsOf, tensorsOf, under } from '../numbers.js'
import type { Timeline } from '../timeline.js'
import { unroll } from '../unroll.js'
import { type CheckpointPlan, checkpointEvery, revolve, withinBytes } from './plan.js'
import { type Split, splitPrelude } from './prelude.js'

/** How states are held: one every so many steps, so many at once, or as many as fit. √T where nothing is given. */
export interface CheckpointOptions {
  readonly every?: number
  readonly snapshots?: number
  readonly bytes?: number
}

/** BPTT that holds few states and runs steps again. */
export interface Checkpointed {
  readonly plan: CheckpointPlan
  /** Bytes of one state in float64. */
  readonly stateBytes: number
  /** Runs the plan on the timeline's inputs. */
  readonly run: (values: Values) => CheckpointResult
}

/** A gradient, and what it took. */
export interface CheckpointResult {
  /** By params, initial carry and xs, under these names. */
  readonly gradient: Tree<Tensor>
  /** [T, ...] as the timeline's. */
  readonly losses: Tensor
  /** The most states held at once, and their bytes in float64. */
  readonly heldStates: number
  readonly heldBytes: number
  /** Steps run besides the one that goes with each step back. */
  readonly advances: number
}

/**
 * The gradient of a timeline's loss with few states held: bit for bit that of the folded timeline on `evaluate`, since
 * steps are run again by the same operations and sums are added up in the same order.
 *
 * @throws GraphError `bad-checkpoint` where the number of steps or of examples is not known, or there is no loss; running it, as
 * `evaluate` throws where values do not match the timeline's inputs.
 */
export function checkpointed(line: Timeline, options: CheckpointOptions = {}): Checkpointed {
  const { steps, batch, loss, probed } = line.options
  if (
    probed ||
    typeof steps === 'string' ||
    typeof batch === 'string' ||
    loss === undefined ||
    line.windows !== undefined
  )
    throw new GraphError(
      'bad-checkpoint',
      'checkpointed',
      `takes a timeline of a number of steps and examples, with a loss, and no windows or probe; this one has ${whatOf(line)}`,
      'unroll(cell, { steps: 100, batch: 8, loss })',
    )
  const stateBytes = 8 * stateSize(line)
  const plan = planOf(steps, options, stateBytes)
  const programs = stepPrograms(line)
  return {
    plan,
    stateBytes,
    run: values => {
      const given = inputTensors(line.graph, values)
      checkFlags(given)
      return follow(line, plan, programs, given, stateBytes)
    },
  }
}

/** What a timeline has, in words. */
const whatOf = ({ options: { steps, batch, loss, probed }, windows }: Timeline): string =>
  [
    `${steps} steps`,
    ...(batch === undefined ? [] : [`${batch} examples`]),
    loss === undefined ? 'no loss' : 'a loss',
    ...(windows ? ['windows'] : []),
    ...(probed ? ['a probe'] : []),
  ].join(', ')

function planOf(steps: number, options: CheckpointOptions, stateBytes: number): CheckpointPlan {
  const { every, snapshots, bytes } = options
  if ([every, snapshots, bytes].filter(given => given !== undefined).length > 1)
    throw new GraphError(
      'bad-checkpoint',
      'checkpointed',
      `every is ${shown(every)}, snapshots ${shown(snapshots)} and bytes ${shown(bytes)}; one of them says what is held`,
      'bytes for a budget, snapshots for a number of states',
    )
  if (bytes !== undefined) return withinBytes(steps, bytes, stateBytes)
  return snapshots === undefined ? checkpointEvery(steps, every) : revolve(steps, snapshots)
}

const carryInputs = ({ graph: whole }: Timeline): readonly (readonly [string, readonly number[]])[] =>
  whole.inputs
    .filter(({ name }) => name.startsWith('carry.'))
    .map(({ name, value }) => [name.slice('carry.'.length), whole.shapes[value] as readonly number[]])

const stateSize = (line: Timeline): number =>
  carryInputs(line).reduce((total, [, shape]) => total + sizeOf(shape), 0)

interface Programs {
  readonly advance: Graph
  readonly back: Graph
  /** What the steps read of params, and the way back to params; none for a cell without. */
  readonly split: Split | undefined
}

/** One step without credit, and one with the cotangent of its carry, `bar`, coming in. */
function stepPrograms(line: Timeline): Programs {
  const credit = line.credit.kind === 'full' ? line.credit : ({ kind: 'input', each: isEach(line) } as const)
  const options = { ...line.options, steps: 1, credit, unchecked: true }
  const { loss: _loss, weighted: _weighted, ...bare } = options
  const one: Graph = unroll(line.cell, options).graph
  const split = one.inputs.some(({ name }) => name.startsWith('params.')) ? splitPrelude(one) : undefined
  const step = split?.rest ?? one
  const advance: Graph = unroll(line.cell, bare).graph
  const carry = carryInputs(line)
  const inputs = step.inputs.map(({ name, value }) => [name, step.shapes[value]!] as const)
  const bars = carry.map(([name, shape]) => [`bar.${name}`, shape as Shape] as const)
  const whole = graph(grow<Shape>([...inputs, ...bars]), refs => {
    const { bar, ...rest } = refs as unknown as Record<string, Tree<Ref>>
    const made = inline(step, rest as Tree<Ref>) as unknown as { losses: Ref; loss: Ref; carry?: Tree<Ref> }
    const next = new Map(made.carry === undefined ? [] : leaves(made.carry, isRef, 'checkpoint'))
    const seeds = bar === undefined ? [] : leaves(bar, isRef, 'checkpoint')
    const total = seeds.reduce((all, [name, seed]) => add(all, sum(mul(next.get(name)!, seed))), made.loss)
    return { losses: made.losses, total } as Tree<Ref>
  })
  const by = ['f', 'carry', 'xs'].filter(name =>
    inputs.some(([input]) => input === name || input.startsWith(`${name}.`)),
  )
  return { advance, back: valueAndGradient(whole as Graph, { of: 'total', by }) as Graph, split }
}

const isEach = ({ credit }: Timeline): boolean =>
  credit.kind === 'input' ? credit.each : credit.kind === 'weights' && Array.isArray(credit.weights[0])

type Found = ReadonlyMap<string, Tensor>

/** Everything that changes while a plan is followed. */
interface State {
  carry: Found
  bar: Found
  /** What steps read of params. */
  readonly f: Found
  /** Sums of the cotangents of what steps read of params, `0`, `1`, …. */
  read: Found
  readonly held: Map<number, Found>
  readonly losses: Tensor[]
  readonly xs: (Tensor | undefined)[]
  heldStates: number
}

function follow(
  line: Timeline,
  plan: CheckpointPlan,
  programs: Programs,
  given: Found,
  stateBytes: number,
): CheckpointResult {
  const carry = under(given, 'carry')
  const { split } = programs
  const params = under(given, 'params')
  const f: Found = split
    ? under(tensorsOf(evaluate(split.prelude, valuesOf(named('params', params)))), 'f')
    : new Map()
  const state: State = {
    carry,
    bar: zeros(carry),
    read: zeros(f),
    f,
    held: new Map(),
    losses: [],
    xs: [],
    heldStates: 0,
  }
  const run = (graph: Graph, t: number, withLoss: boolean): Found =>
    tensorsOf(evaluate(graph, at(line, given, state, t, withLoss)))
  for (const { do: what, t } of plan.actions) {
    if (what === 'save') state.held.set(t, state.carry)
    else if (what === 'drop') state.held.delete(t)
    else if (what === 'restore') state.carry = state.held.get(t)!
    else if (what === 'advance') state.carry = under(run(programs.advance, t, false), 'carry')
    else back(state, run(programs.back, t, true), t)
    state.heldStates = Math.max(state.heldStates, state.held.size)
  }
  const bars = [...named('params', params), ...named('bar.f', state.read)]
  const slope = split ? tensorsOf(evaluate(split.finish, valuesOf(bars))) : []
  return {
    gradient: grow([...slope, ...named('carry', state.bar), ...stackedXs(state)]),
    losses: stacked(state.losses),
    heldStates: state.heldStates,
    heldBytes: state.heldStates * stateBytes,
    advances: plan.advances,
  }
}

function back(state: State, made: Found, t: number): void {
  state.read = combinedTwo(state.read, under(made, 'gradient.f'))
  state.bar = under(made, 'gradient.carry')
  state.losses[t - 1] = made.get('losses')!
  state.xs[t - 1] = made.get('gradient.xs')
}

const combinedTwo = (a: Found, b: Found): Found =>
  combined([
    [1, a],
    [1, b],
  ])

/** The inputs of step t. */
function at(line: Timeline, given: Found, state: State, t: number, withLoss: boolean): Values {
  const names = ['xs', 'reset', 'mask', 'credit', ...(withLoss ? ['targets', 'weights'] : [])]
  const rows = names.flatMap(name => {
    const all = given.get(name)
    return all === undefined ? [] : [[name, rowsOf(all, t - 1, t)] as const]
  })
  return Object.fromEntries([
    ...rows,
    ...(withLoss ? named('f', state.f) : [...given].filter(([name]) => name.startsWith('params.'))),
    ...named('carry', state.carry),
    ...(withLoss ? named('bar', state.bar) : []),
    ...creditAt(line, t),
  ]) as Values
}

function creditAt({ credit, options }: Timeline, t: number): readonly (readonly [string, Tensor])[] {
  if (credit.kind !== 'weights') return []
  const given = t === 1 ? 1 : credit.weights[t - 2]!
  if (!Array.isArray(credit.weights[0]))
    return [['credit', { shape: [1], data: Float64Array.of(given as number) }]]
  const width = options.batch as number
  const row = typeof given === 'number' ? new Float64Array(width).fill(given) : Float64Array.from(given)
  return [['credit', { shape: [1, width], data: row }]]
}

const valuesOf = (found: readonly (readonly [string, Tensor])[]): Values => Object.fromEntries(found)

const named = (prefix: string, found: Found): readonly (readonly [string, Tensor])[] =>
  [...found].map(([name, tensor]) => [`${prefix}.${name}`, tensor] as const)

const zeros = (found: Found): Found =>
  new Map([...found].map(([name, { shape, data }]) => [name, { shape, data: new Float64Array(data.length) }]))

function stackedXs({ xs }: State): readonly (readonly [string, Tensor])[] {
  return xs[0] === undefined ? [] : [['xs', stacked(xs as Tensor[])]]
}

function stacked(rows: readonly Tensor[]): Tensor {
  const size = rows[0]!.data.length
  const data = new Float64Array(rows.length * size)
  rows.forEach((row, t) => {
    data.set(row.data, t * size)
  })
  return { shape: [rows.length, ...rows[0]!.shape.slice(1)], data }
}
