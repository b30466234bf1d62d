import { GraphError } from '../error.js'
import { type Op, op } from '../op.js'
import { type Dim, type Shape, showShape, sizeOf, stridesOf } from '../shape.js'
import { filled, type Tensor } from '../tensor.js'

/** Letters name axes: `'bi,hi->bh'` is x [b, i] times the transpose of W [h, i]. */
export interface ContractAttrs {
  readonly spec: string
}

interface Spec {
  readonly a: string
  readonly b: string
  readonly y: string
}

/**
 * Sum of products over shared axes: y[out] = Σ a[…] · b[…] over the letters that are not in the output.
 *
 * Every matrix product is this one op (`linear`, `matmul`, `dot`, `outer` are spellings of it), and so is each of its
 * derivatives, with the letters exchanged. A letter stands once in each operand at most, and in at least two of the three.
 */
export const contract: Op<readonly ['a', 'b'], ContractAttrs> = op<readonly ['a', 'b'], ContractAttrs>({
  name: 'contract',
  emission: { kind: 'product', spec: attrs => (attrs as unknown as ContractAttrs).spec },
  map: ([a, b], [left, right], { spec }) => contract(a!, b!, { spec: stepped(spec, left!, right!, true) }),
  accumulate: ([a, b], { spec }) => contract(a!, b!, { spec: stepped(spec, true, true, false) }),
  inputs: ['a', 'b'],
  saves: ['a', 'b'],
  shape: ([a, b], { spec }) => contractedShape(a!, b!, spec),
  forward: ([a, b], { attrs, shapes }) => multiply(a!, b!, parse(attrs.spec), shapes[0]!),
  jvp: { a: (da, { b, attrs }) => contract(da, b, attrs), b: (db, { a, attrs }) => contract(a, db, attrs) },
  vjp: {
    a: (g, { b, attrs }) => contract(g, b, { spec: turned(attrs.spec, 'a') }),
    b: (g, { a, attrs }) => contract(g, a, { spec: turned(attrs.spec, 'b') }),
  },
  flops: ([a, b], { attrs }) => 2 * sizeOf([...lengths(parse(attrs.spec), a!, b!).values()]),
  cases: [
    {
      shapes: [
        [2, 3],
        [3, 4],
      ],
      attrs: { spec: 'mk,kn->mn' },
    },
    {
      shapes: [
        [2, 3],
        [4, 3],
      ],
      attrs: { spec: 'bi,hi->bh' },
    },
    {
      shapes: [
        [2, 3],
        [2, 4],
      ],
      attrs: { spec: 'bi,bh->hi' },
    },
    { shapes: [[3], [3]], attrs: { spec: 'i,i->' } },
    { shapes: [[2], [3]], attrs: { spec: 'i,j->ij' } },
    {
      shapes: [
        [2, 3, 2],
        [2, 2, 4],
      ],
      attrs: { spec: 'bmk,bkn->bnm' },
    },
    {
      shapes: [
        [5, 2, 3],
        [5, 2, 4],
      ],
      attrs: { spec: 'tbi,tbh->ih' },
    },
  ],
})

/** The derivative's letters: the output's in the place of operand `of`, which becomes the output. */
function turned(spec: string, of: 'a' | 'b'): string {
  const { a, b, y } = parse(spec)
  return of === 'a' ? `${y},${b}->${a}` : `${y},${a}->${b}`
}

const parsed = new Map<string, Spec>()

function parse(spec: string): Spec {
  const known = parsed.get(spec)
  if (known !== undefined) return known
  const match = /^([a-z]*),([a-z]*)->([a-z]*)$/i.exec(spec)
  if (match === null)
    throw new GraphError('bad-spec', 'contract', `'${spec}' is no spec; a spec reads like 'bi,hi->bh'`)
  const [, a, b, y] = match as unknown as [string, string, string, string]
  for (const letter of a + b + y)
    if (
      [a, b, y].filter(axes => axes.includes(letter)).length < 2 ||
      [a, b, y].some(axes => axes.split(letter).length > 2)
    )
      throw new GraphError(
        'bad-spec',
        'contract',
        `'${letter}' in '${spec}' stands alone or twice in one operand; a letter joins two or three of them`,
      )
  parsed.set(spec, { a, b, y })
  return { a, b, y }
}

function contractedShape(a: Shape, b: Shape, text: string): Shape {
  const spec = parse(text)
  if (a.length !== spec.a.length || b.length !== spec.b.length)
    throw new GraphError(
      'shape',
      'contract',
      `a ${showShape(a)} and b ${showShape(b)} do not have the axes of '${text}'; a letter is one axis`,
    )
  const dims = lengths(spec, a, b)
  return [...spec.y].map(letter => dims.get(letter)!)
}

function lengths<D extends Dim>(spec: Spec, a: readonly D[], b: readonly D[]): Map<string, D> {
  const dims = new Map<string, D>([...spec.a].map((letter, i) => [letter, a[i]!] as const))
  ;[...spec.b].forEach((letter, i) => {
    const dim: D = dims.get(letter) ?? b[i]!
    if (dim !== b[i])
      throw new GraphError(
        'shape',
        'contract',
        `axis '${letter}' is ${dim} in a ${showShape(a)} and ${b[i]} in b ${showShape(b)}; shared axes are equal`,
      )
    dims.set(letter, dim)
  })
  return dims
}

/** Element offsets of every combination of some axes, in row-major order, in one operand. */
function offsets(
  letters: string,
  axes: string,
  shape: readonly number[],
  dims: ReadonlyMap<string, number>,
): Int32Array {
  const strides = stridesOf(shape)
  let found = new Int32Array(1)
  for (const letter of letters) {
    const length = dims.get(letter)!
    const axis = axes.indexOf(letter)
    const stride = axis < 0 ? 0 : strides[axis]!
    const next = new Int32Array(found.length * length)
    for (let i = 0; i < found.length; i++)
      for (let k = 0; k < length; k++) next[i * length + k] = found[i]! + k * stride
    found = next
  }
  return found
}

/** Letters sorted by role: batch (in all three), rows (a and y), columns (b and y), summed (a and b). */
function multiply(a: Tensor, b: Tensor, spec: Spec, shape: readonly number[]): Tensor {
  const dims = lengths(spec, a.shape, b.shape)
  const pick = (inA: boolean, inB: boolean, inY: boolean, order: string): string =>
    [...order]
      .filter(c => spec.a.includes(c) === inA && spec.b.includes(c) === inB && spec.y.includes(c) === inY)
      .join('')
  const table = (letters: string) => ({
    a: offsets(letters, spec.a, a.shape, dims),
    b: offsets(letters, spec.b, b.shape, dims),
    y: offsets(letters, spec.y, shape, dims),
  })
  const out = filled(shape, 0)
  const summed = table(pick(true, true, false, spec.b))
  const columns = table(pick(false, true, true, spec.y))
  const rows = table(pick(true, false, true, spec.y))
  const batch = table(pick(true, true, true, spec.y))
  const inner =
    contiguous(summed.a) && contiguous(summed.b) && !(contiguous(columns.b) && columns.b.length > 1)
      ? dots
      : axpys
  for (let i = 0; i < batch.y.length; i++)
    inner(
      a.data.subarray(batch.a[i]),
      b.data.subarray(batch.b[i]),
      out.data.subarray(batch.y[i]),
      rows,
      columns,
      summed,
    )
  return out
}

interface Table {
  readonly a: Int32Array
  readonly b: Int32Array
  readonly y: Int32Array
}

const contiguous = (at: Int32Array): boolean => at.every((offset, i) => offset === i)

/** Rows of a against rows of b: for operands whose summed axis is the last one. */
function dots(
  a: Float64Array,
  b: Float64Array,
  y: Float64Array,
  rows: Table,
  columns: Table,
  summed: Table,
): void {
  const length = summed.a.length
  for (let m = 0; m < rows.a.length; m++)
    for (let n = 0; n < columns.b.length; n++) {
      const [p, q] = [rows.a[m]!, columns.b[n]!]
      let sum = 0
      for (let k = 0; k < length; k++) sum += a[p + k]! * b[q + k]!
      y[rows.y[m]! + columns.y[n]!] = sum
    }
}

/** Scaled rows of b added to a row of y: for everything else. */
function axpys(
  a: Float64Array,
  b: Float64Array,
  y: Float64Array,
  rows: Table,
  columns: Table,
  summed: Table,
): void {
  const plain = contiguous(columns.b) && contiguous(columns.y)
  for (let m = 0; m < rows.a.length; m++)
    for (let k = 0; k < summed.a.length; k++) {
      const scale = a[rows.a[m]! + summed.a[k]!]!
      const [from, to] = [summed.b[k]!, rows.y[m]!]
      if (plain) for (let n = 0; n < columns.b.length; n++) y[to + n]! += scale * b[from + n]!
      else
        for (let n = 0; n < columns.b.length; n++) y[to + columns.y[n]!]! += scale * b[from + columns.b[n]!]!
    }
}

/** The letters with one more for a new first axis of a, b and y. */
function stepped(spec: string, a: boolean, b: boolean, y: boolean): string {
  const letters = parse(spec)
  const used = letters.a + letters.b
  const step = [...'tTsSuUvVwW'].find(letter => !used.includes(letter))!
  const on = (axes: string, has: boolean): string => (has ? step + axes : axes)
  return `${on(letters.a, a)},${on(letters.b, b)}->${on(letters.y, y)}`
}
