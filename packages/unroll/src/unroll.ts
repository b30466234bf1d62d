import {
  type Dim,
  graph,
  index,
  isRef,
  isShape,
  leaves,
  mapTree,
  mul,
  type Ref,
  type Shape,
  scan,
  stack,
  sum,
  type Tensor,
  type Term,
  type Tree,
  tensor,
  where,
} from '@bptt/graph'
import type { Cell } from './cell.js'
import { checkCell } from './checks.js'
import { type Now, stepOnce } from './edge.js'
import { flagsChecked } from './flags.js'
import { checkOptions } from './options.js'
import type { Credit, StepPlace, Timeline, TimelineOptions } from './timeline.js'

/**
 * Unrolls a cell in time.
 *
 * Step t reads x_t and the carry of step t−1 over the state edge t−1 → t, whose weight says how much credit passes
 * back; the carry before step 1 is an input, over whose edge all credit passes unless `credit` is an input too.
 * See `TimelineOptions` for inputs and outputs.
 *
 * @throws GraphError `bad-cell`, `bad-steps`, `bad-batch`, `bad-form`, `bad-clip`, `bad-credit`, or what the loss finds wrong with the shapes.
 */
export function unroll(cell: Cell, options: TimelineOptions): Timeline {
  checkCell('unroll', cell)
  const credit = options.credit ?? { kind: 'full' }
  checkOptions(options, credit)
  const places: StepPlace[] = []
  const made = graph(inputShapes(cell, options, credit), refs => {
    const { params = {}, carry = {}, ...rest } = refs as unknown as Inputs // a graph has no empty branches
    return build(cell, options, credit, { params, carry, ...rest }, places)
  })
  return { cell, options, credit, graph: made, ...(options.form === 'flat' && { places }) }
}

interface Inputs {
  readonly params: Tree<Ref>
  readonly carry: Tree<Ref>
  readonly xs: Ref
  readonly targets?: Ref
  readonly weights?: Ref
  readonly reset?: Ref
  readonly mask?: Ref
  readonly credit?: Ref
  readonly probe?: Tree<Ref>
}

function inputShapes(cell: Cell, options: TimelineOptions, credit: Credit): Tree<Shape> {
  const batch = options.batch === undefined ? [] : [options.batch]
  const rows: readonly Dim[] = [options.steps, ...batch]
  const { loss } = options
  return {
    params: cell.params,
    carry: mapTree(cell.carry, isShape, shape => [...batch, ...shape]),
    xs: [...rows, ...cell.input],
    ...(loss && { targets: [...rows, ...(loss.target?.(cell.output) ?? cell.output)] }),
    ...(options.weighted && { weights: rows }),
    ...(options.resets && { reset: rows }),
    ...(options.masked && { mask: rows }),
    ...(options.probed && { probe: mapTree(cell.carry, isShape, shape => [...rows, ...shape]) }),
    ...(credit.kind === 'input' && { credit: credit.each ? rows : [options.steps] }),
  }
}

/** Builds the graph; of a flat one, `places` gets where its steps stand. */
function build(
  cell: Cell,
  options: TimelineOptions,
  credit: Credit,
  given: Inputs,
  places: StepPlace[],
): Tree<Ref> {
  const inputs = options.unchecked ? given : flagsChecked(given)
  const weights = creditTerm(credit, options, inputs)
  const [carry, ys] =
    options.form === 'flat'
      ? runFlat(cell, options, inputs, weights, places)
      : runFolded(cell, options, inputs, weights)
  if (options.loss === undefined || inputs.targets === undefined) return { ys, carry }
  const all = options.loss(ys, inputs.targets)
  const losses = inputs.mask === undefined ? all : where(inputs.mask, all, 0)
  return { ys, carry, losses, loss: sum(inputs.weights === undefined ? losses : mul(losses, inputs.weights)) }
}

/** The weight of the edge into every step, [T] or [T, batch]; undefined for full BPTT. */
function creditTerm(credit: Credit, { steps }: TimelineOptions, inputs: Inputs): Ref | Tensor | undefined {
  if (credit.kind === 'full') return undefined
  if (credit.kind === 'input') return inputs.credit
  const rows = credit.weights as readonly (number | readonly number[])[]
  const first = Array.isArray(rows[0]) ? rows[0].map(() => 1) : 1
  return steps === 1 ? undefined : tensor([first, ...rows])
}

type Unrolled = readonly [carry: Tree<Ref>, ys: Ref]

function runFolded(
  cell: Cell,
  options: TimelineOptions,
  inputs: Inputs,
  weights: Ref | Tensor | undefined,
): Unrolled {
  const home = inputs.xs.builder
  const xs = {
    x: inputs.xs,
    ...(weights && { credit: isRef(weights) ? weights : home.constant(weights) }),
    ...(inputs.reset && { reset: inputs.reset }),
    ...(inputs.mask && { mask: inputs.mask }),
    ...(inputs.probe && { probe: inputs.probe }),
  }
  const step = (carry: Tree<Ref>, now: Now): readonly [Tree<Ref>, Ref] =>
    stepOnce(cell, options, inputs.params, carry, now)
  const [carry, ys] = scan(step as never, {
    carry: inputs.carry,
    xs,
    length: options.steps,
  })
  return [carry as Tree<Ref>, ys as Ref]
}

function runFlat(
  cell: Cell,
  options: TimelineOptions,
  inputs: Inputs,
  weights: Ref | Tensor | undefined,
  places: StepPlace[],
): Unrolled {
  const ys: Ref[] = []
  const { shapes } = inputs.xs.builder
  let carry = inputs.carry
  for (let t = 0; t < (options.steps as number); t++) {
    const first = shapes.length
    const at = (ref: Ref | undefined): Ref | undefined => ref && index(ref, { at: t })
    const credit = weights === undefined || isRef(weights) ? at(weights) : rowOf(weights, t)
    const probe = inputs.probe && mapTree(inputs.probe, isRef, ref => index(ref, { at: t }))
    const now = { x: at(inputs.xs)!, credit, reset: at(inputs.reset), mask: at(inputs.mask), probe }
    const [next, y] = stepOnce(cell, options, inputs.params, carry, now)
    carry = next
    ys.push(y)
    places.push({ t: t + 1, first, last: shapes.length - 1, carry: valuesOf(cell, next) })
  }
  return [carry, stack(ys)]
}

/** The values of a carry, by part. */
const valuesOf = (cell: Cell, carry: Tree<Ref>): ReadonlyMap<string, number> =>
  new Map(
    Object.keys(carry).length === 0
      ? []
      : leaves(carry, isRef, cell.name).map(([name, { id }]) => [name, id] as const),
  )

const rowOf = ({ shape, data }: Tensor, t: number): Term =>
  shape.length === 1
    ? data[t]!
    : { shape: shape.slice(1), data: data.subarray(t * shape[1]!, (t + 1) * shape[1]!) }
