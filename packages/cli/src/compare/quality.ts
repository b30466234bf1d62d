import { filled, type Tensor, type Tree } from '@bptt/graph'
import type { Sample } from '@bptt/stream'
import { type EstimatorRow, estimatorReport, lagNorms, zeroCarry } from '@bptt/unroll'
import { Failure } from '../failure.js'
import type { Material } from '../material.js'
import type { Contender } from './contender.js'

/** How good an estimator's gradient is beside that of full BPTT, over the first events of the stream. */
export interface Quality {
  /** |E g − ∇L| / |∇L|. */
  readonly bias: number
  /** Standard error of the bias; 0 where every pattern of cuts was tried. */
  readonly biasError: number
  /** √(E |g|² − |E g|²) / |∇L|: how far one gradient is from the mean one. */
  readonly deviation: number
  /** Cosine of E g and ∇L. */
  readonly cosine: number
  readonly method: EstimatorRow['method']
  readonly patterns: number
}

/** Where gradients are compared. */
export interface Place {
  readonly material: Material
  /** At these parameters. */
  readonly params: Tree<Tensor>
  /** Over so many first events; fewer where the stream has fewer, or begins anew. */
  readonly prefix: number
  /** Patterns of cuts that are drawn where there are too many to list. */
  readonly samples: number
}

/** The first events of a stream as a batch of one sequence. */
export type Sequence = Parameters<typeof lagNorms>[1]

/** The events before the first reset, `prefix` at most, from a zero carry. */
export async function sequenceOf({ material, params, prefix }: Place): Promise<Sequence> {
  const samples: Sample[] = []
  for await (const sample of material.samples({ steps: prefix }, new AbortController().signal)) {
    if (sample.reset && samples.length > 0) break
    samples.push(sample)
  }
  if (samples.length < 2)
    throw new Failure(
      `${material.name} begins with a sequence of one event; gradients go back over at least two`,
    )
  const side = (part: 'input' | 'target'): Tensor => stacked(samples.map(sample => sample[part]))
  return { params, carry: zeroCarry(material.model, 1), xs: side('input'), targets: side('target') }
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
export function qualityOf({ credit }: Contender, { material, samples }: Place, sequence: Sequence): Quality {
  const [row] = estimatorReport(material.model, sequence, [credit.schedule], { loss: material.loss, samples })
  const { bias, biasError, variance, cosine, method, patterns, norm } = row!
  return { bias, biasError, deviation: Math.sqrt(variance) / norm, cosine, method, patterns }
}

/** Mean over the losses of |∂L_t / ∂h_(t−k)|, for lags k that a quarter of the losses or more reach. */
export function lagsOf({ material }: Place, sequence: Sequence): readonly number[] {
  const { mean } = lagNorms(material.model, sequence, material.loss)
  const [, ...back] = mean // lag 0 is the loss's own state
  return back.slice(0, Math.max(1, Math.floor(0.75 * back.length)))
}
