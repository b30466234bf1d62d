import {
  evaluate,
  type Graph,
  graph,
  grow,
  inline,
  type Ref,
  type Shape,
  squaredError,
  type Tree,
  type Values,
  valueAndGradient,
} from '@bptt/graph'
import { clipByGlobalNorm } from '@bptt/stream'
import { artbp, type Cell, coin, linearNet, orthogonal, patternsOf, unroll, zeroCarry } from '@bptt/unroll'
import type { Claim, Part } from './course.js'
import { cosine, difference, flat, length, weighted } from './vector.js'
import { digits } from './view.js'

/** What clipping does to one exploding gradient, and to the mean of an unbiased estimator. */
export interface Clipping {
  /** Norms of the gradient, and cosines with it. */
  readonly full: number
  readonly byNorm: { readonly norm: number; readonly cosine: number }
  readonly perStep: { readonly norm: number; readonly cosine: number }
  /** Patterns of cuts listed. */
  readonly patterns: number
  /** |E g − ∇L| / |∇L| of ARTBP, plain and with each gradient clipped to half the norm of ∇L, against ∇L clipped so. */
  readonly plainBias: number
  readonly clippedBias: number
}

const [steps, hidden, inputs, radius, bound] = [30, 8, 2, 1.5, 1] as const
const few = 8

/** A linear net of rotations, radius 1.5, over 30 steps; its gradient with clipping of either kind, and E[clip] by enumeration. */
export function measureClipping(seed: number): Clipping {
  const cell = linearNet({ inputs, hidden, outputs: inputs })
  const [full, byNorm] = gradients(cell, steps, seed, bound)()
  const [perStep] = gradients(cell, steps, seed, bound, bound)()
  return {
    full: length(full),
    byNorm: { norm: length(byNorm), cosine: cosine(byNorm, full) },
    perStep: { norm: length(perStep), cosine: cosine(perStep, full) },
    ...expectations(cell, seed),
  }
}

function expectations(cell: Cell, seed: number): Pick<Clipping, 'patterns' | 'plainBias' | 'clippedBias'> {
  const [exact] = gradients(cell, few, seed, bound)()
  const run = gradients(cell, few, seed, length(exact) / 2)
  const [, clipped] = run()
  const patterns = patternsOf(artbp({ mean: 3, tail: 4 }), few)
  const made = patterns.map(({ probability, weights }) => [probability, run([1, ...weights])] as const)
  const mean = (which: 0 | 1): readonly number[] =>
    weighted(made.map(([chance, both]) => [chance, both[which]] as const))
  return {
    patterns: patterns.length,
    plainBias: difference(mean(0), exact),
    clippedBias: difference(mean(1), clipped),
  }
}

type Both = readonly [plain: readonly number[], clipped: readonly number[]]

/** The gradient under given credit, plain and clipped to a global norm; with `perStep`, credit is clamped at every edge. */
function gradients(
  cell: Cell,
  T: number,
  seed: number,
  most: number,
  perStep?: number,
): (credit?: readonly number[]) => Both {
  const line = unroll(cell, {
    steps: T,
    loss: squaredError,
    credit: { kind: 'input', each: false },
    ...(perStep !== undefined && { clip: perStep }),
  })
  const slope = valueAndGradient(line.graph as Graph, { of: 'loss', by: ['params'] }) as Graph
  const made = clipped(slope, most)
  const values = valuesOf(cell, T, seed)
  return (credit = new Array<number>(T).fill(1)) => {
    const { plain, cut } = evaluate(made, { ...values, credit, count: 0 } as unknown as Values) as {
      plain: unknown
      cut: unknown
    }
    return [flat(plain), flat(cut)]
  }
}

/** The gradient of a slope's graph as `plain`, and what clipByGlobalNorm makes of it as `cut`. */
function clipped(slope: Graph, most: number): Graph {
  const ports = slope.inputs.map(({ name, value }) => [name, slope.shapes[value]!] as const)
  return graph(grow<Shape>([...ports, ['count', []]]), given => {
    const { count, ...sources } = given as unknown as { readonly count: Ref; readonly params: Tree<Ref> }
    const { gradient } = inline(slope, sources) as { readonly gradient: { readonly params: Tree<Ref> } }
    const site = { params: sources.params, slots: {}, count }
    return { plain: gradient.params, cut: clipByGlobalNorm(most).update(gradient.params, site).updates }
  }) as Graph
}

function valuesOf(cell: Cell, T: number, seed: number): object {
  let drawn = 0
  const toss = (): number => coin(seed, 5, drawn++)
  const rows = (width: number): number[][] =>
    Array.from({ length: T }, () => Array.from({ length: width }, () => toss() - 0.5))
  const W = { shape: [hidden, hidden], data: orthogonal({ gain: radius })([hidden, hidden], toss) }
  return {
    params: { ...cell.init(seed).params, W },
    carry: zeroCarry(cell),
    xs: rows(inputs),
    targets: rows(inputs),
  }
}

/** What clipping did, as a table. */
export function clippingPart(found: Clipping): Part {
  const row = (name: string, norm: number, cos: number): readonly string[] => [
    name,
    digits(norm, 4),
    digits(cos, 4),
  ]
  return {
    kind: 'part',
    name: 'clipping',
    title: `Clipping an exploding gradient: a linear net of rotations, radius ${radius}, ${steps} steps`,
    table: {
      head: ['gradient', 'norm', 'cosine with the exact one'],
      rows: [
        row('exact', found.full, 1),
        row(`scaled to a global norm of ${bound}`, found.byNorm.norm, found.byNorm.cosine),
        row(`credit clamped to ±${bound} at every edge`, found.perStep.norm, found.perStep.cosine),
      ],
    },
    records: [found],
  }
}

/** What clipping is claimed to do. */
export function clippingClaims({
  byNorm,
  perStep,
  plainBias,
  clippedBias,
  patterns,
}: Clipping): readonly Claim[] {
  return [
    {
      claim: 'scaling to a norm keeps the direction',
      held: byNorm.norm <= bound * (1 + 1e-12) && byNorm.cosine > 1 - 1e-9,
      found: `norm ${digits(byNorm.norm, 3)}, cosine ${digits(byNorm.cosine, 6)}`,
    },
    {
      claim: 'clamping credit at every edge turns it',
      held: perStep.cosine < 0.99,
      found: `cosine ${digits(perStep.cosine, 3)}`,
    },
    {
      claim: 'clipping takes the unbiasedness from ARTBP',
      held: plainBias < 1e-12 && clippedBias > 0.01,
      found: `over all ${patterns} patterns of ${few} steps the mean is off by ${digits(plainBias, 2)}, clipped by ${digits(100 * clippedBias, 2)} %`,
    },
  ]
}
