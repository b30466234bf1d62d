import {
  equal,
  GraphError,
  grow,
  isRef,
  isShape,
  leaves,
  type Ref,
  reshape,
  type Shape,
  type Tree,
  where,
} from '@bptt/graph'
import { type Cell, makeCell } from '../cell.js'
import { type Initialiser, zeros } from '../initialise.js'
import { at, merged, prefixed } from './parts.js'

/**
 * The cell with a start carry that is learned: params `start`, of the carry's names and shapes, zero at first.
 *
 * A zero carry now means "not started": the carry is `started` [], 0 or 1, beside the cell's own under `state`, and a step
 * that finds 0 takes `start` in its place. So every start learns, without a word from who unrolls or trains: the zero
 * carry before step 1 (`zeroCarry`, `init`), and every reset. To start elsewhere, give `state` and `started: 1`.
 * @param initialisers start values by dotted name of the carry; zero for the rest.
 * @throws GraphError `cell-carry` where the cell has no carry; `duplicate-name`.
 */
export function learnCarry(cell: Cell, initialisers: Readonly<Record<string, Initialiser>> = {}): Cell {
  const shapes = new Map(leaves(cell.carry, isShape, cell.name))
  if (shapes.size === 0)
    throw new GraphError('cell-carry', 'learnCarry', `${cell.name} has no carry; there is no start to learn`)
  const starts = new Map([
    ...[...shapes.keys()].map(key => [key, zeros()] as const),
    ...Object.entries(initialisers),
  ])
  return makeCell({
    ...cell,
    name: `${cell.name}+start`,
    params: merged(cell, { start: cell.carry }),
    carry: { started: [], state: cell.carry },
    initialisers: new Map([...cell.initialisers, ...prefixed('start', starts)]),
    step(params, carry, x) {
      const started = at(carry, 'started') as Ref
      const entered = enter(shapes, at(carry, 'state'), at(params, 'start'), started)
      const [state, y] = cell.step(params, entered, x)
      return [{ started: equal(started, started), state }, y] // 1, for every example
    },
  })
}

/** The carry where it has started, else the start. */
function enter(
  shapes: ReadonlyMap<string, Shape>,
  state: Tree<Ref>,
  start: Tree<Ref>,
  started: Ref,
): Tree<Ref> {
  const learned = new Map(leaves(start, isRef, 'start'))
  return grow(
    leaves(state, isRef, 'state').map(([name, value]) => {
      const behind = new Array<number>(shapes.get(name)!.length).fill(1)
      const condition = reshape(started, { shape: [...started.shape, ...behind] })
      return [name, where(condition, value, learned.get(name)!)] as const
    }),
  )
}
