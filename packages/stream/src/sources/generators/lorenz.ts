import { checkPositive, computed, type Sequence } from './sequence.js'

/** Numbers of the equations; the chaotic ones of the paper where not given. */
export interface LorenzOptions {
  /** 10 where not given. */
  readonly sigma?: number
  /** 28 where not given. */
  readonly rho?: number
  /** 8/3 where not given. */
  readonly beta?: number
  /** [1, 1, 1] where not given. */
  readonly start?: readonly [number, number, number]
  /** Time between two values, one Runge–Kutta step; 0.01 where not given. */
  readonly dt?: number
}

/** A state of the system: x, y, z. */
export type Point = readonly [number, number, number]

/**
 * x' = σ (y − x), y' = x (ρ − z) − y, z' = x y − β z: [x, y, z] every dt [lorenz1963].
 * @throws GraphError `bad-setting`.
 */
export function lorenz(options: LorenzOptions = {}): Sequence<Point> {
  const { sigma = 10, rho = 28, beta = 8 / 3, start = [1, 1, 1], dt = 0.01 } = options
  checkPositive('lorenz', 'dt', dt)
  const slope = ([x, y, z]: Point): Point => [sigma * (y - x), x * (rho - z) - y, x * y - beta * z]
  return computed('lorenz', function* () {
    for (let point: Point = start; ; point = rungeKutta(point, dt, slope)) yield point
  })
}

/** One step of the classical fourth-order method. */
function rungeKutta(point: Point, h: number, slope: (point: Point) => Point): Point {
  const k1 = slope(point)
  const k2 = slope(moved(point, h / 2, k1))
  const k3 = slope(moved(point, h / 2, k2))
  const k4 = slope(moved(point, h, k3))
  return point.map((x, i) => x + (h / 6) * (k1[i]! + 2 * k2[i]! + 2 * k3[i]! + k4[i]!)) as unknown as Point
}

const moved = ([x, y, z]: Point, by: number, [dx, dy, dz]: Point): Point => [
  x + by * dx,
  y + by * dy,
  z + by * dz,
]
