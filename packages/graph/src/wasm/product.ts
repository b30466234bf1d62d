import type { Dim } from '../shape.js'
import { type Axis, collapse, type View } from './view.js'

/** A length known now, or that of an axis times a factor. */
export interface Length {
  readonly axis: string | undefined
  readonly factor: number
}

/** A product as matrices: y[m, n] = Σ a[m, k] b[n, k], repeated over batch axes. */
export interface Matrices {
  readonly a: View
  readonly b: View
  readonly y: View
  /** Loops around the product; strides of a, b, y. */
  readonly batch: readonly Axis[]
  readonly m: Side
  readonly n: Side
  readonly k: Side
}

/** One axis of a product, with its strides in the three operands. */
interface Side {
  readonly length: Length
  readonly a: number
  readonly b: number
  readonly y: number
}

/**
 * The letters of a product sorted into rows, columns, summed and batch axes, neighbours merged; undefined where the
 * summed axes do not merge into one. Operands are exchanged where y is contiguous along rows instead of columns.
 */
export function matrices(spec: string, a: View, b: View, y: View): Matrices | undefined {
  const [inputs, out] = spec.split('->') as [string, string]
  const [first, second] = inputs.split(',') as [string, string]
  const letters = new Map<string, { readonly dim: Dim; readonly strides: readonly number[] }>()
  const stride = (axes: string, view: View, letter: string): number =>
    axes.includes(letter) ? view.strides[axes.indexOf(letter)]! : 0
  for (const letter of new Set(first + second + out)) {
    const dim = first.includes(letter) ? a.shape[first.indexOf(letter)]! : b.shape[second.indexOf(letter)]!
    letters.set(letter, {
      dim,
      strides: [stride(first, a, letter), stride(second, b, letter), stride(out, y, letter)],
    })
  }
  const group = (order: string, inA: boolean, inB: boolean, inY: boolean): readonly Axis[] => {
    const chosen = [...order].filter(
      c => first.includes(c) === inA && second.includes(c) === inB && out.includes(c) === inY,
    )
    const found = chosen.map(c => letters.get(c)!)
    const operands = [0, 1, 2].map(k => found.map(({ strides }) => strides[k]!))
    return collapse(
      found.map(({ dim }) => dim),
      operands,
      () => true,
    )
  }
  const k = group(first, true, true, false)
  if (k.length > 1) return undefined
  const [rows, columns] = [group(out, true, false, true), group(out, false, true, true)]
  const batch = [...group(out, true, true, true), ...rows.slice(0, -1), ...columns.slice(0, -1)]
  const made = { a, b, y, batch, m: side(rows.at(-1)), n: side(columns.at(-1)), k: side(k[0]) }
  return turnsBetter(made) ? turned(made) : made
}

function side(axis: Axis | undefined): Side {
  if (axis === undefined) return { length: { axis: undefined, factor: 1 }, a: 0, b: 0, y: 0 }
  const [a, b, y] = axis.strides as [number, number, number]
  return {
    length: { axis: typeof axis.length === 'string' ? axis.length : undefined, factor: axis.factor },
    a,
    b,
    y,
  }
}

/** True for a length of 1. */
export const isOne = ({ axis, factor }: Length): boolean => axis === undefined && factor === 1

/** Kernels write rows of y: its columns are contiguous, and named lengths are rows. */
function turnsBetter({ m, n }: Matrices): boolean {
  if (n.length.axis !== undefined) return true
  if (isOne(n.length)) return !isOne(m.length) && m.length.axis === undefined && m.y === 1
  return n.y !== 1 && m.y === 1 && m.length.axis === undefined
}

function turned({ a, b, y, batch, m, n, k }: Matrices): Matrices {
  const flip = (s: Side): Side => ({ ...s, a: s.b, b: s.a })
  const flipped = batch.map(axis => ({
    ...axis,
    strides: [axis.strides[1]!, axis.strides[0]!, axis.strides[2]!],
  }))
  return { a: b, b: a, y, batch: flipped, m: flip(n), n: flip(m), k: flip(k) }
}

/** Which kernel multiplies: see the kernels for what each wants of its operands. Undefined: none can. */
export type Form = 'dot' | 'axpy' | 'gradient' | 'tile'

/** The kernel for a product. */
export function formOf({ m, n, k }: Matrices): Form | undefined {
  if (n.length.axis !== undefined || (n.y !== 1 && !isOne(n.length))) return undefined
  const single = isOne(k.length)
  if (!single && k.a === 1 && k.b === 1) return 'dot'
  if (isOne(m.length) && (n.b === 1 || isOne(n.length))) return 'axpy'
  const contiguous = (m.a === 1 || isOne(m.length)) && (n.b === 1 || isOne(n.length))
  if (contiguous && m.length.axis === undefined) return 'gradient'
  return k.length.axis === undefined ? 'tile' : undefined
}
