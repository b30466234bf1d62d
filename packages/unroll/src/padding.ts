import { filled, GraphError, sizeOf, type Tensor } from '@bptt/graph'
import { checkSteps } from './checks.js'

/** Sequences of unequal length side by side, and where they end. */
export interface Padded {
  /** Zero behind the end of a sequence; shape [T, B, ...]. */
  readonly values: Tensor
  /** 1 up to the end of a sequence, 0 behind it; shape [T, B]. */
  readonly mask: Tensor
}

/**
 * Sequences [T_b, ...] of unequal length as one batch [T, B, ...], T the longest, and its mask for `masked: true`.
 * @throws GraphError `empty-list`, `bad-steps`; `bad-padding` where the sequences differ in more than their length, or `steps` is shorter than one.
 */
export function padded(sequences: readonly Tensor[], { steps }: { readonly steps?: number } = {}): Padded {
  const [first] = sequences
  if (first === undefined)
    throw new GraphError(
      'empty-list',
      'padded',
      'has no sequence; a batch has at least one',
      'leave out the batches that are empty',
    )
  const row = first.shape.slice(1)
  const lengths = sequences.map(({ shape }) => shape[0] ?? 0)
  const T = steps === undefined ? Math.max(...lengths) : steps
  checkSteps('padded', T)
  sequences.forEach(({ shape }, b) => {
    if (shape.length === 0 || String(shape.slice(1)) !== String(row))
      throw new GraphError(
        'bad-padding',
        'padded',
        `sequence ${b} is [${shape.join(', ')}] and sequence 0 is [${first.shape.join(', ')}]; they differ in their first axis only`,
        'a sequence is [steps, …], with the same axes behind the first',
      )
    if (lengths[b]! > T)
      throw new GraphError(
        'bad-padding',
        'padded',
        `sequence ${b} has ${lengths[b]} steps; steps is ${T}, no fewer`,
        'leave steps out for those of the longest sequence',
      )
  })
  const [B, size] = [sequences.length, sizeOf(row)]
  const [values, mask] = [filled([T, B, ...row], 0), filled([T, B], 0)]
  sequences.forEach(({ data }, b) => {
    for (let t = 0; t < lengths[b]!; t++) {
      values.data.set(data.subarray(t * size, (t + 1) * size), (t * B + b) * size)
      mask.data[t * B + b] = 1
    }
  })
  return { values, mask }
}
