import { GraphError } from '../error.js'
import type { Ref } from '../ref.js'
import { showShape } from '../shape.js'
import { add } from './arithmetic.js'
import { contract } from './contract.js'

const LETTERS = 'abcdefghijklmnopqrstuvwxyz'

/**
 * x Wᵀ + b: x [..., in], W [out, in], b [out] → [..., out]. The argument order and layout of PyTorch's `F.linear`.
 * @throws GraphError `shape` where x's last axis is not W's.
 */
export function linear(x: Ref, W: Ref, b?: Ref): Ref {
  if (W.shape.length !== 2 || x.shape.length === 0 || x.shape[x.shape.length - 1] !== W.shape[1])
    throw new GraphError(
      'shape',
      'linear',
      `x ${showShape(x.shape)} and W ${showShape(W.shape)} do not fit: x's last axis meets W's columns; W is [outputs, inputs]`,
      x.shape[x.shape.length - 1] === W.shape[0] ? 'transpose W' : undefined,
    )
  const rows = LETTERS.slice(0, x.shape.length - 1)
  const y = contract(x, W, { spec: `${rows}I,HI->${rows}H` })
  return b === undefined ? y : add(y, b)
}

/**
 * Matrix product: a [..., m, k] · b [k, n] → [..., m, n].
 * @throws GraphError `shape` where a's columns are not b's rows.
 */
export function matmul(a: Ref, b: Ref): Ref {
  const [columns, rows] = [a.shape[a.shape.length - 1], b.shape[0]]
  if (a.shape.length < 2 || b.shape.length !== 2 || columns !== rows)
    throw new GraphError(
      'shape',
      'matmul',
      `a ${showShape(a.shape)} and b ${showShape(b.shape)} do not chain: a's ${columns ?? 'no'} columns meet b's ${rows ?? 'no'} rows`,
      b.shape.length === 2 && columns === b.shape[1] ? 'transpose b' : undefined,
    )
  const batch = LETTERS.slice(0, a.shape.length - 2)
  return contract(a, b, { spec: `${batch}MK,KN->${batch}MN` })
}

/** Outer product of vectors: a [m], b [n] → [m, n]. */
export function outer(a: Ref, b: Ref): Ref {
  return contract(a, b, { spec: 'i,j->ij' })
}

/** Inner product of vectors: a [n], b [n] → []. */
export function dot(a: Ref, b: Ref): Ref {
  return contract(a, b, { spec: 'i,i->' })
}
