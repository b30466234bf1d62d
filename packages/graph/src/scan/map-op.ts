import type { Attrs } from '../attrs.js'
import type { OpSpec } from '../graph.js'
import { reshape } from '../ops/shape.js'
import type { Ref } from '../ref.js'

/** True where an op can be applied at every place of a new first axis at once. */
export function isMappable(op: OpSpec): boolean {
  return op.map !== undefined || op.emission?.kind === 'lanes'
}

/** An op at every place of a new first axis, which the `mapped` inputs have. */
export function mapOp(op: OpSpec, inputs: readonly Ref[], mapped: readonly boolean[], attrs: Attrs): Ref {
  if (op.map !== undefined) return op.map(inputs, mapped, attrs)
  const rank = Math.max(...inputs.map((x, i) => x.shape.length - (mapped[i] ? 1 : 0)))
  const aligned = inputs.map((x, i) => (mapped[i] ? padded(x, rank) : x))
  return inputs[0]!.builder.apply(op, aligned, attrs)[0]!
}

/** A value with axes of length 1 behind its first one, so that the others line up with a result of this rank. */
function padded(x: Ref, rank: number): Ref {
  const ones = new Array<number>(rank + 1 - x.shape.length).fill(1)
  return ones.length === 0 ? x : reshape(x, { shape: [x.shape[0]!, ...ones, ...x.shape.slice(1)] })
}
