import { concat, type Ref, slice } from '@bptt/graph'

/**
 * x on a ring, moved: element i of an axis is x's element i + by, around the end. The transpose moves back.
 * The axis has a fixed length; a negative axis counts from the last.
 */
export function shifted(x: Ref, by: number, axis = -1): Ref {
  const along = axis < 0 ? x.shape.length + axis : axis
  const length = x.shape[along] as number
  const start = ((by % length) + length) % length
  if (start === 0) return x
  const tail = slice(x, { axis: along, start, size: length - start })
  const head = slice(x, { axis: along, start: 0, size: start })
  return concat([tail, head], { axis: along })
}
