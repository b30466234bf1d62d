import { GraphError } from '../error.js'
import type { Ref } from '../ref.js'
import { broadcast, type Shape, showShape } from '../shape.js'
import type { Chains, Fed, Feeds, Outer, Product } from '../typed.js'
import { add } from './arithmetic.js'
import { contract } from './contract.js'
import { reshape } from './shape.js'

const LETTERS = 'abcdefghijklmnopqrstuvwxyz'

/**
 * x Wᵀ + b: x [..., in], W [out, in], b [out] → [..., out]. The argument order and layout of PyTorch's `F.linear`.
 * @throws GraphError `shape` where x's last axis is not W's.
 */
export function linear<X extends Shape, W extends Shape>(
  x: Ref<X>,
  W: Ref<W> & Feeds<X, W>,
  b?: Ref,
): Ref<Fed<X, W>> {
  const [inputs, columns] = [x.shape[x.shape.length - 1], W.shape[1]]
  if (W.shape.length !== 2 || inputs === undefined || inputs !== columns)
    throw new GraphError(
      'shape',
      'linear',
      `x ${showShape(x.shape)} and W ${showShape(W.shape)} do not fit: x's last axis meets W's columns; W is [outputs, inputs]`,
      W.shape.length === 2 && inputs === W.shape[0] ? 'transpose W' : undefined,
    )
  const rows = LETTERS.slice(0, x.shape.length - 1)
  const y = contract(x, W, { spec: `${rows}I,HI->${rows}H` })
  return (b === undefined ? y : add(y, b)) as Ref<Fed<X, W>>
}

/**
 * Matrix product: a [..., m, k] · b [..., k, n] → [..., m, n]; the axes in front broadcast.
 * @throws GraphError `shape` where a's columns are not b's rows, or the axes in front do not broadcast.
 */
export function matmul<A extends Shape, B extends Shape>(
  a: Ref<A>,
  b: Ref<B> & Chains<A, B>,
): Ref<Product<A, B>> {
  checkChain(a.shape, b.shape)
  const [left, right] = [a.shape.slice(0, -2), b.shape.slice(0, -2)]
  const rank = Math.max(left.length, right.length)
  const batch = LETTERS.slice(0, rank)
  const [first, second] = [batchOf(left, right, batch), batchOf(right, left, batch)]
  const spec = `${first.letters}MK,${second.letters}KN->${batch}MN`
  return contract(unrepeated(a, first.shape), unrepeated(b, second.shape), { spec }) as Ref<Product<A, B>>
}

/** An operand's axes in front, without those of length 1 that the other operand repeats, and their letters. */
function batchOf(own: Shape, other: Shape, batch: string): { letters: string; shape: Shape } {
  const kept = own.flatMap((dim, i) => {
    const across = other[other.length - own.length + i]
    return dim === 1 && across !== undefined && across !== 1 ? [] : [{ dim, i }]
  })
  const letters = kept.map(({ i }) => batch[batch.length - own.length + i]).join('')
  return { letters, shape: kept.map(({ dim }) => dim) }
}

const unrepeated = (x: Ref, front: Shape): Ref => reshape(x, { shape: [...front, ...x.shape.slice(-2)] })

function checkChain(a: Shape, b: Shape): void {
  const [columns, rows] = [a[a.length - 1], b[b.length - 2]]
  if (a.length < 2 || b.length < 2 || columns !== rows)
    throw new GraphError(
      'shape',
      'matmul',
      `a ${showShape(a)} and b ${showShape(b)} do not chain: a's ${columns ?? 'no'} columns meet b's ${rows ?? 'no'} rows; both are matrices [..., rows, columns]`,
      a.length >= 2 && b.length >= 2 && columns === b[b.length - 1] ? 'transpose b' : undefined,
    )
  if (broadcast(a.slice(0, -2), b.slice(0, -2)) === undefined)
    throw new GraphError(
      'shape',
      'matmul',
      `the axes in front of a ${showShape(a)} and b ${showShape(b)} do not broadcast; they align from the last, with equal lengths or 1`,
    )
}

/**
 * Outer product of vectors: a [m], b [n] → [m, n].
 * @throws GraphError `shape`.
 */
export function outer<A extends Shape, B extends Shape>(a: Ref<A>, b: Ref<B>): Ref<Outer<A, B>> {
  if (a.shape.length === 1 && b.shape.length === 1)
    return contract(a, b, { spec: 'i,j->ij' }) as Ref<Outer<A, B>>
  throw new GraphError(
    'shape',
    'outer',
    `a ${showShape(a.shape)} and b ${showShape(b.shape)} are not two vectors; both are [n]`,
  )
}

/**
 * Inner product of vectors: a [n], b [n] → [].
 * @throws GraphError `shape`.
 */
export function dot(a: Ref, b: Ref): Ref<readonly []> {
  if (a.shape.length === 1 && b.shape.length === 1 && a.shape[0] === b.shape[0])
    return contract(a, b, { spec: 'i,i->' }) as Ref<readonly []>
  throw new GraphError(
    'shape',
    'dot',
    `a ${showShape(a.shape)} and b ${showShape(b.shape)} are not two vectors of one length; both are [n]`,
  )
}
