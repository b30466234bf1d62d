import { filled, index, type Loss, mul, slice, type Tensor, type Tree } from '@bptt/graph'
import type { Sample } from '@bptt/stream'
import { type Batch, estimatorReport, lagNorms, zeroCarry } from '@bptt/unroll'
import { Failure } from '../failure.js'
import type { Material } from '../material.js'
import type { Quality } from './bias.js'
import type { Contender } from './contender.js'
import { forwardReport } from './forward.js'

/** Where gradients are compared. */
export interface Place {
  readonly material: Material
  /** At these parameters. */
  readonly params: Tree<Tensor>
  /** Over these events. */
  readonly head: readonly Sample[]
  /** Patterns of cuts that are drawn where there are too many to list. */
  readonly samples: number
}

/** Events as a batch of one sequence, with the loss that weighs them. */
export interface Sequence {
  readonly batch: Batch
  readonly loss: Loss
}

/** Events as a sequence, from a zero carry. */
export function sequenceOf({ material: { name, model, loss }, params, head }: Place): Sequence {
  if (head.length < 2)
    throw new Failure(`${name} begins with a sequence of one event; gradients go back over at least two`)
  const weighted = head.some(({ weight = 1 }) => weight !== 1)
  const xs = stacked(head.map(({ input }) => input))
  const targets = stacked(head.map(({ target, weight = 1 }) => (weighted ? beside(target, weight) : target)))
  return {
    batch: { params, carry: zeroCarry(model, 1), xs, targets },
    loss: weighted ? weightedBy(loss) : loss,
  }
}

const beside = (target: Sample['target'], weight: number): readonly number[] => [
  ...Array.from([target].flat() as number[]),
  weight,
]

/** The loss of vectors whose target has its weight as the last number. */
function weightedBy(loss: Loss): Loss {
  const of = (y: Parameters<Loss>[0], target: Parameters<Loss>[1]): ReturnType<Loss> => {
    const axis = target.shape.length - 1
    const size = Number(target.shape[axis]) - 1
    const own = slice(target, { axis, start: 0, size })
    return mul(loss(y, own), index(target, { axis, at: size }))
  }
  return Object.assign(of, {
    target: (y: readonly (number | string)[]) => [...y.slice(0, -1), Number(y.at(-1)) + 1],
  })
}

/** [T, 1, ...] of T values. */
function stacked(values: readonly Sample['input'][]): Tensor {
  const [first] = values
  const shape = typeof first === 'number' ? [] : [first!.length]
  const out = filled([values.length, 1, ...shape], 0)
  for (const [i, value] of values.entries())
    out.data.set(Array.from([value].flat() as number[]), i * (shape[0] ?? 1))
  return out
}

/** The quality of one estimator. Throws GraphError `no-gradient` where full BPTT is exactly zero. */
export function qualityOf(
  { means }: Contender,
  { material, samples }: Place,
  { batch, loss }: Sequence,
): Quality {
  const { model } = material
  if (means.kind === 'forward') return forwardReport(means, { model, batch, loss, samples })
  const given = means.kind === 'cuts' ? means.schedule : means.sizes
  const [row] = estimatorReport(model, batch, [given], { loss, samples })
  const { bias, biasError, variance, cosine, method, patterns, norm } = row!
  return { bias, biasError, deviation: Math.sqrt(variance) / norm, cosine, method, patterns }
}

/** Mean over the losses of |∂L_t / ∂h_(t−k)|, for lags k that a quarter of the losses or more reach. */
export function lagsOf({ material }: Place, { batch, loss }: Sequence): readonly number[] {
  const { mean } = lagNorms(material.model, batch, loss)
  const [, ...back] = mean // lag 0 is the loss's own state
  return back.slice(0, Math.max(1, Math.floor(0.75 * back.length)))
}
