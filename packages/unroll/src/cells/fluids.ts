import {
  add,
  div,
  floor,
  GraphError,
  gather,
  index,
  mul,
  type Ref,
  reshape,
  showShape,
  sizeOf,
  sub,
} from '@bptt/graph'
import { type Cell, cell } from '../cell.js'
import { shifted } from './periodic.js'
import { checkSetting } from './setting.js'

/** Size and numbers of a stable-fluids step. Lengths are in grid cells. */
export interface FluidOptions {
  readonly rows: number
  readonly columns: number
  /** Length of a time step, > 0. */
  readonly dt: number
  /** ν ≥ 0; 0 by default. */
  readonly viscosity?: number
  /** Jacobi sweeps of a diffusion, whole, ≥ 0; 10 by default. */
  readonly diffusing?: number
  /** Damped Jacobi sweeps of a projection, whole, ≥ 0; 20 by default. */
  readonly projecting?: number
}

/**
 * One step of an incompressible fluid with smoke on a torus, unconditionally stable [stam1999].
 *
 * Adds the force, diffuses, projects on fields without divergence, moves velocity and smoke along the flow
 * (semi-Lagrangian, bilinear), and projects again. No params; input [2, rows, columns], the force on the velocity down and
 * to the right; carry down, right (velocities) and smoke [rows, columns]; the output is the smoke.
 *
 * Differentiable except where a traced-back position passes from one grid cell to the next. Smoke keeps its bounds, not its
 * mass. Examples side by side need a number, not a name, as their batch.
 * @throws GraphError `bad-size`, `bad-setting`; `named-axis` at a batch that is a name.
 */
export function stableFluids(options: FluidOptions): Cell {
  const { rows, columns, dt, viscosity = 0, diffusing = 10, projecting = 20 } = options
  checkNumbers({ dt, viscosity, diffusing, projecting })
  const make = cell({
    name: 'stableFluids',
    params: () => ({}),
    carry: ({ rows, columns }: Pick<FluidOptions, 'rows' | 'columns'>) => {
      const field = [rows, columns]
      return { down: field, right: field, smoke: field }
    },
    input: ({ rows, columns }) => [2, rows, columns],
    step(_params, { down, right, smoke }, force) {
      const pushed = [down, right].map((v, k) => add(v, mul(index(force, { axis: -3, at: k }), dt)))
      const spread = pushed.map(v => diffuse(v, viscosity * dt, diffusing))
      const flow = project(spread as unknown as Flow, projecting)
      const from = flow.map(v => mul(v, dt)) as unknown as Flow
      const moved = project([advect(flow[0], from), advect(flow[1], from)], projecting)
      const next = advect(smoke, from)
      return [{ down: moved[0], right: moved[1], smoke: next }, next]
    },
  })
  return make({ rows, columns })
}

function checkNumbers(given: Required<Omit<FluidOptions, 'rows' | 'columns'>>): void {
  const { dt, viscosity, diffusing, projecting } = given
  const where = 'stableFluids'
  checkSetting(where, 'dt', dt, dt > 0 && Number.isFinite(dt), 'a time step is > 0')
  checkSetting(where, 'viscosity', viscosity, viscosity >= 0 && viscosity < 1e300, 'a viscosity is ≥ 0')
  for (const [name, sweeps] of Object.entries({ diffusing, projecting }))
    checkSetting(
      where,
      name,
      sweeps,
      Number.isInteger(sweeps) && sweeps >= 0,
      'sweeps are a whole number ≥ 0',
    )
}

/** Velocities down and to the right, [..., rows, columns] each. */
export type Flow = readonly [down: Ref, right: Ref]

/** The sum of the four neighbours at a distance. */
const around = (x: Ref, distance: number): Ref =>
  add(
    add(shifted(x, distance, -2), shifted(x, -distance, -2)),
    add(shifted(x, distance, -1), shifted(x, -distance, -1)),
  )

/**
 * (1 + 4a) w_ij − a Σ neighbours = x, by Jacobi sweeps from x: implicit diffusion. A polynomial of a symmetric
 * matrix, so the map is its own transpose.
 */
export function diffuse(x: Ref, a: number, sweeps: number): Ref {
  if (a === 0) return x
  let w = x
  for (let k = 0; k < sweeps; k++) w = mul(add(x, mul(around(w, 1), a)), 1 / (1 + 4 * a))
  return w
}

/** Share of a Jacobi correction that is made: without damping, checkerboards of the torus never settle. */
const DAMPING = 0.8

/**
 * The flow without its gradient part: v − ∇p with ∇·∇p = ∇·v, central differences, p by damped Jacobi sweeps from 0.
 *
 * ∇·∇ has the stencils of its parts (neighbours two cells apart), so with enough sweeps the divergence is 0 and
 * projecting again changes nothing. Its own transpose, whatever the number of sweeps.
 */
export function project(flow: Flow, sweeps: number): Flow {
  const goal = mul(divergence(flow), -4)
  let pressure = mul(goal, 0)
  for (let k = 0; k < sweeps; k++) {
    const solved = mul(add(around(pressure, 2), goal), 0.25)
    pressure = add(mul(pressure, 1 - DAMPING), mul(solved, DAMPING))
  }
  return [sub(flow[0], slope(pressure, -2)), sub(flow[1], slope(pressure, -1))]
}

/** ∂x by central differences along an axis of the torus. */
const slope = (x: Ref, axis: number): Ref => mul(sub(shifted(x, 1, axis), shifted(x, -1, axis)), 0.5)

/** ∇·v by central differences. */
export function divergence([down, right]: Flow): Ref {
  return add(slope(down, -2), slope(right, -1))
}

/**
 * The field at where each cell's content comes from, `from` cells up and to the left, between grid points bilinearly:
 * keeps constants, and the bounds of the field.
 */
export function advect(field: Ref, from: Flow): Ref {
  const [rows, columns] = field.shape.slice(-2) as [number, number]
  const y = sub(ramp(field, [rows, 1]), from[0])
  const x = sub(ramp(field, [1, columns]), from[1])
  const [top, left] = [floor(y), floor(x)]
  const [low, across] = [sub(y, top), sub(x, left)]
  const table = reshape(field, { shape: [fixedSize(field)] })
  const at = (row: Ref, column: Ref): Ref =>
    gather(table, add(add(mul(wrapped(row, rows), columns), wrapped(column, columns)), starts(field)))
  const between = (row: Ref): Ref =>
    add(mul(at(row, left), sub(1, across)), mul(at(row, add(left, 1)), across))
  return add(mul(between(top), sub(1, low)), mul(between(add(top, 1)), low))
}

/** i mod n, in [0, n), of whole numbers. */
const wrapped = (i: Ref, n: number): Ref => sub(i, mul(floor(div(i, n)), n))

/** 0, 1, 2, … in this shape: row numbers for [rows, 1], column numbers for [1, columns]. */
function ramp(like: Ref, shape: readonly [number, number]): Ref {
  return like.builder.constant({
    shape,
    data: Float64Array.from({ length: shape[0] * shape[1] }, (_, i) => i),
  })
}

/** Where every example starts in the flat table. */
function starts({ shape, builder }: Ref): Ref {
  const front = shape.slice(0, -2) as number[]
  const [rows, columns] = shape.slice(-2) as [number, number]
  const length = sizeOf(front)
  const data = Float64Array.from({ length }, (_, b) => b * rows * columns)
  return builder.constant({ shape: [...front, 1, 1], data })
}

function fixedSize({ shape }: Ref): number {
  const name = shape.find(dim => typeof dim === 'string')
  if (name === undefined) return sizeOf(shape as readonly number[])
  throw new GraphError(
    'named-axis',
    'stableFluids',
    `the batch is '${name}' in ${showShape(shape)}; each example looks up cells of its own, so their number is fixed`,
    'unroll with a number as batch',
  )
}
