import { GraphError } from '../error.js'
import { type Op, op } from '../op.js'
import { checkShape, type Shape, showShape, sizeOf } from '../shape.js'
import { filled, type Tensor } from '../tensor.js'
import { axisLength } from './shape.js'

/** A whole number in [0, n), or an error that names the place. */
function rowAt(where: string, ids: Tensor, i: number, rows: number): number {
  const id = ids.data[i]!
  if (Number.isInteger(id) && id >= 0 && id < rows) return id
  throw new GraphError(
    'bad-index',
    where,
    `id ${id} at position ${i} is not a row of ${rows}; ids are whole numbers in [0, ${rows})`,
  )
}

/** Rows of a table: table [n, ...], ids [...] of whole numbers in [0, n) → [...ids, ...row]. The embedding look-up. */
export const gather: Op<readonly ['table', 'ids'], Record<never, never>> = op({
  name: 'gather',
  emission: { kind: 'rows', direction: 'out' },
  map: ([table, ids]) => gather(table!, ids!),
  mappable: mapped => !mapped[0],
  inputs: ['table', 'ids'],
  saves: ['ids'],
  integers: { ids: 3 },
  shape: ([table, ids]) => {
    if (table!.length > 0) return [...ids!, ...table!.slice(1)]
    throw new GraphError('shape', 'gather', 'table is a scalar; a table has rows')
  },
  forward: ([table, ids], { shapes }) => {
    const out = filled(shapes[0]!, 0)
    const width = sizeOf(table!.shape.slice(1))
    ids!.data.forEach((_, i) => {
      const row = rowAt('gather', ids!, i, table!.shape[0]!)
      out.data.set(table!.data.subarray(row * width, (row + 1) * width), i * width)
    })
    return out
  },
  jvp: { table: (tangent, { ids }) => gather(tangent, ids) },
  vjp: { table: (g, { table, ids }) => scatterAdd(g, ids, { rows: axisLength('gather', table.shape, 0) }) },
  flops: () => 0,
  cases: [{ shapes: [[3, 2], []] }, { shapes: [[3, 2], [4]] }, { shapes: [[3], [2, 2]] }],
})

/** Values added up in the rows that ids name: values [...ids, ...row] → [rows, ...row]. The transpose of `gather`. */
export const scatterAdd: Op<readonly ['values', 'ids'], { readonly rows: number }> = op<
  readonly ['values', 'ids'],
  { readonly rows: number }
>({
  name: 'scatterAdd',
  emission: { kind: 'rows', direction: 'in' },
  accumulate: ([values, ids], attrs) => scatterAdd(values!, ids!, attrs),
  inputs: ['values', 'ids'],
  saves: ['ids'],
  integers: { ids: 3 },
  shape: ([values, ids], { rows }) => scatterShape(values!, ids!, rows),
  forward: ([values, ids], { attrs, shapes }) => {
    const out = filled(shapes[0]!, 0)
    const width = sizeOf(out.shape.slice(1))
    ids!.data.forEach((_, i) => {
      const row = rowAt('scatterAdd', ids!, i, attrs.rows)
      for (let k = 0; k < width; k++) out.data[row * width + k]! += values!.data[i * width + k]!
    })
    return out
  },
  jvp: { values: (tangent, { ids, attrs }) => scatterAdd(tangent, ids, attrs) },
  vjp: { values: (g, { ids }) => gather(g, ids) },
  flops: ([values]) => sizeOf(values!),
  cases: [
    { shapes: [[2], []], attrs: { rows: 3 } },
    { shapes: [[4, 2], [4]], attrs: { rows: 3 } },
  ],
})

function scatterShape(values: Shape, ids: Shape, rows: number): Shape {
  checkShape([rows], 'scatterAdd')
  if (showShape(values.slice(0, ids.length)) === showShape(ids)) return [rows, ...values.slice(ids.length)]
  throw new GraphError(
    'shape',
    'scatterAdd',
    `values ${showShape(values)} do not begin with the axes of ids ${showShape(ids)}; values are [...ids, ...row]`,
  )
}
