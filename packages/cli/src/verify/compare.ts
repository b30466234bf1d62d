import type { Tensor } from '@bptt/graph'

/** What one entry of a golden file says, against what this library computes. */
export interface Finding {
  /** Name of the case. */
  readonly case: string
  /** Part of the case: `outputs`, `block K=3`, … */
  readonly entry: string
  /** Largest |a − b| over the largest |b| of its tensor, in [0, ∞]; 0 where nothing was compared. */
  readonly worst: number
  /** Tensor and index of the worst difference; empty where there is none. */
  readonly at: string
  /** Begins with `not checked: ` where the library has no counterpart. */
  readonly note?: string
}

/** Tensors by name. */
export type Named = ReadonlyMap<string, Tensor>

/** A computed tensor beside the expected one. */
export interface Pair {
  readonly name: string
  readonly got: Tensor
  readonly expected: Tensor
}

interface Worst {
  readonly worst: number
  readonly at: string
}

/** The pairs of an entry as one finding: the worst of them. An entry without a pair counts as not checked. */
export function compare(name: string, entry: string, pairs: readonly Pair[]): Finding {
  if (pairs.length === 0) return unchecked(name, entry, 'the file gives nothing to compare')
  let worst: Worst = { worst: 0, at: '' }
  for (const pair of pairs) {
    const found = difference(pair)
    if (found.worst > worst.worst) worst = found
  }
  return { case: name, entry, ...worst }
}

/** An entry for which there is nothing to compare with, and why. */
export function unchecked(name: string, entry: string, why: string): Finding {
  return { case: name, entry, worst: 0, at: '', note: `not checked: ${why}` }
}

/** Every expected tensor beside the computed one of the same name; `label` stands before the names. */
export function pairUp(label: string, got: Named, expected: Named): readonly Pair[] {
  return [...expected].map(([name, tensor]) => ({
    name: `${label}${name}`,
    got: got.get(name) ?? { shape: [0], data: new Float64Array(0) },
    expected: tensor,
  }))
}

/** A number as a tensor. */
export function scalar(value: number): Tensor {
  return { shape: [], data: Float64Array.of(value) }
}

/** A pair of numbers, or of lists of numbers. */
export function pairOf(
  name: string,
  got: number | readonly number[],
  expected: number | readonly number[],
): Pair {
  const made = (value: number | readonly number[]): Tensor =>
    typeof value === 'number' ? scalar(value) : { shape: [value.length], data: Float64Array.from(value) }
  return { name, got: made(got), expected: made(expected) }
}

/** An expected tensor of zeros is met by zeros only: whatever else stands there counts as ∞, and so does NaN. */
function difference({ name, got, expected }: Pair): Worst {
  if (got.data.length !== expected.data.length) return { worst: Number.POSITIVE_INFINITY, at: name }
  const scale = expected.data.reduce((top, x) => Math.max(top, Math.abs(x)), 0)
  let [worst, place] = [0, -1]
  expected.data.forEach((x, i) => {
    const apart = Math.abs(got.data[i]! - x)
    const relative =
      apart === 0 ? 0 : scale === 0 || Number.isNaN(apart) ? Number.POSITIVE_INFINITY : apart / scale
    if (relative > worst) [worst, place] = [relative, i]
  })
  return { worst, at: place < 0 ? '' : `${name}${indexText(place, expected.shape)}` }
}

/** A position in row-major order as an index: `[0, 2]`; empty in a scalar. */
function indexText(at: number, shape: readonly number[]): string {
  const index: number[] = []
  for (const length of [...shape].reverse()) {
    index.unshift(at % length)
    at = Math.floor(at / length)
  }
  return index.length === 0 ? '' : `[${index.join(', ')}]`
}
