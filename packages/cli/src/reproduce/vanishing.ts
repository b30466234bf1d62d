import { squaredError, type Tensor } from '@bptt/graph'
import {
  type Cell,
  coin,
  elman,
  lagNorms,
  linearNet,
  orthogonal,
  reservoirWeights,
  stateSpectrum,
  zeroCarry,
} from '@bptt/unroll'
import { sparkline } from './chart.js'
import { clippingClaims, clippingPart, measureClipping } from './clipping.js'
import type { Claim, Course, Part } from './course.js'
import { digits } from './view.js'

/** How much is measured. */
export interface VanishingOptions {
  /** Steps of the sequence, so the longest lag. */
  readonly steps: number
  /** Numbers in the state. */
  readonly hidden: number
  /** Of weights and data. */
  readonly seed: number
}

/** Credit of the last loss by lag, in one net. */
interface Measured {
  readonly net: 'linear' | 'tanh'
  readonly matrix: 'orthogonal' | 'normal'
  readonly radius: number
  /** Largest singular value of the recurrent weights. */
  readonly singular: number
  /** |∂L_T/∂h_{T−k}| over that of lag 1, k = 1 … T − 1. */
  readonly norms: readonly number[]
  /** Largest factor of a step of `norms` over the largest singular value; ≤ 1 where the bound holds. */
  readonly tightness: number
}

const radii = [0.5, 1, 1.5] as const
const inputs = 2

/** Vanishing and exploding gradients against their bounds, and what clipping does [pascanu2013]. */
export function* vanishing(options: VanishingOptions): Course {
  const all: Measured[] = []
  const plans = (['orthogonal', 'normal'] as const).flatMap(matrix =>
    (['linear', 'tanh'] as const).flatMap(net => radii.map(radius => ({ matrix, net, radius }))),
  )
  for (const plan of plans) {
    all.push(measure(plan, options))
    yield {
      kind: 'advance',
      done: all.length,
      total: plans.length,
      unit: 'nets',
      what: `${plan.net}, radius ${plan.radius}`,
    }
  }
  yield lagPart(all, options)
  const clipping = measureClipping(options.seed)
  yield clippingPart(clipping)
  return [...lagClaims(all), ...clippingClaims(clipping)]
}

function measure(
  { matrix, net, radius }: Pick<Measured, 'matrix' | 'net' | 'radius'>,
  { steps, hidden, seed }: VanishingOptions,
): Measured {
  const recurrent = weights(matrix, hidden, radius, seed)
  const [cell, params] = netOf(net, recurrent, hidden, seed)
  const { norms } = lagNorms(
    cell,
    { params, carry: zeroCarry(cell, 1), ...data(steps, cell, seed) },
    squaredError,
  )
  const row = norms[steps - 1]!.slice(0, steps - 1)
  const factors = row.slice(1).map((value, k) => value / row[k]!)
  const singular = largestSingular(recurrent, hidden)
  return {
    matrix,
    net,
    radius,
    singular,
    norms: row.map(value => value / row[0]!),
    tightness: Math.max(...factors) / singular,
  }
}

/** Recurrent weights of a spectral radius: a multiple of a rotation, or of a matrix of normal draws. */
function weights(matrix: Measured['matrix'], hidden: number, radius: number, seed: number): Tensor {
  if (matrix === 'normal') return reservoirWeights({ inputs, hidden, radius, seed }).recurrent
  let drawn = 0
  const data = orthogonal({ gain: radius })([hidden, hidden], () => coin(seed, 2, drawn++))
  return { shape: [hidden, hidden], data }
}

/** A net with these recurrent weights; all others are drawn. */
function netOf(
  net: Measured['net'],
  recurrent: Tensor,
  hidden: number,
  seed: number,
): readonly [Cell, object & Params] {
  const cell = net === 'linear' ? linearNet({ inputs, hidden, outputs: hidden }) : elman({ inputs, hidden })
  const { params } = cell.init(seed)
  return [cell, { ...(params as Params), [net === 'linear' ? 'W' : 'weight_hh']: recurrent }]
}

type Params = Readonly<Record<string, Tensor>>

/** Inputs of ±½ and targets of ±½ by coins: [steps, 1, …]. */
function data(steps: number, cell: Cell, seed: number): { readonly xs: Tensor; readonly targets: Tensor } {
  const toss = (stream: number, width: number): Tensor => ({
    shape: [steps, 1, width],
    data: Float64Array.from({ length: steps * width }, (_, i) => coin(seed, stream, i) - 0.5),
  })
  return { xs: toss(3, inputs), targets: toss(4, cell.output[0] as number) }
}

/** That of the state Jacobian of a linear net with these weights. */
function largestSingular(recurrent: Tensor, hidden: number): number {
  const [cell, params] = netOf('linear', recurrent, hidden, 0)
  const xs = { shape: [1, inputs], data: new Float64Array(inputs) }
  return stateSpectrum(cell, { params, carry: zeroCarry(cell), xs })[0]!.largestSingular
}

/** Geometric mean of the factors from lag to lag, over the second half of the lags. */
function rateOf({ norms }: Measured): number {
  const [from, to] = [Math.floor(norms.length / 2), norms.length - 1]
  return (norms[to]! / norms[from]!) ** (1 / (to - from))
}

/** log₁₀ to nine digits, so that what is 1 up to rounding is drawn as a level line. */
const logOf = (norm: number): number => Math.round(1e9 * Math.log10(norm)) / 1e9

function lagPart(all: readonly Measured[], { steps, hidden }: VanishingOptions): Part {
  const lags = [10, 20, steps - 1].filter((lag, i, list) => lag < steps && list.indexOf(lag) === i)
  return {
    kind: 'part',
    name: 'lags',
    title: `Credit of the last loss at earlier states, |∂L/∂h| over that at lag 1, ${hidden} units`,
    table: {
      head: [
        'net',
        'recurrent weights',
        'radius',
        'largest σ',
        ...lags.map(lag => `lag ${lag}`),
        'per step',
        'bound per step',
        'log by lag',
      ],
      rows: all.map(one => [
        one.net,
        one.matrix,
        `${one.radius}`,
        digits(one.singular, 3),
        ...lags.map(lag => digits(one.norms[lag - 1]!, 3)),
        digits(rateOf(one), 4),
        digits(one.singular, 3),
        sparkline(one.norms.map(logOf), 20),
      ]),
    },
    records: all.map(one => ({ ...one, perStep: rateOf(one) })),
  }
}

function lagClaims(all: readonly Measured[]): readonly Claim[] {
  const linear = all.filter(({ net }) => net === 'linear')
  const turned = linear.filter(({ matrix }) => matrix === 'orthogonal')
  const off = Math.max(
    ...turned.map(({ radius, norms }) =>
      Math.max(...norms.map((norm, k) => Math.abs(norm / radius ** k - 1))),
    ),
  )
  const tightest = Math.max(...all.map(({ tightness }) => tightness))
  const below = all.filter(({ singular }) => singular < 1)
  const above = linear.filter(({ radius }) => radius > 1)
  const saturated = all.filter(({ net, radius }) => net === 'tanh' && radius > 1)
  const ends = (those: readonly Measured[]): number[] => those.map(({ norms }) => norms.at(-1)!)
  return [
    {
      claim: 'a linear net of rotations passes exactly radius^k',
      held: off < 1e-9,
      found: `apart by ${digits(off, 2)}`,
    },
    {
      claim: 'no step passes more than the largest singular value, tanh nets included',
      held: tightest < 1 + 1e-9,
      found: `at most ${digits(tightest, 6)} of it`,
    },
    {
      claim: 'below 1 credit vanishes',
      held: ends(below).every(
        (norm, i) => norm <= below[i]!.singular ** (below[i]!.norms.length - 1) * (1 + 1e-9),
      ),
      found: `${digits(Math.max(...ends(below)), 2)} of lag 1 is left`,
    },
    {
      claim: 'above 1 the credit of linear nets explodes',
      held: ends(above).every(norm => norm > 1e3),
      found: `${ends(above)
        .map(norm => digits(norm, 2))
        .join(' and ')} times that of lag 1`,
    },
    {
      claim: 'above 1 is not enough for that (saturated tanh nets stay below their bound)',
      held: saturated.every(one => rateOf(one) < 0.95 * one.singular),
      found: saturated
        .map(one => `${digits(rateOf(one), 3)} per step of ${digits(one.singular, 3)}`)
        .join(', '),
    },
  ]
}
