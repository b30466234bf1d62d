import { mul } from '../elementwise.js'
import { GraphError } from '../error.js'
import { type Op, op } from '../op.js'
import { isRef, type Ref, type Term } from '../ref.js'
import { checkShape, type Shape, showShape } from '../shape.js'
import { filled } from '../tensor.js'
import { greaterEqual } from './compare.js'

/**
 * Numbers in [0, 1) that look independent: key [] → `shape`. No derivative.
 *
 * A function of the key (a whole number ≥ 0) and the position alone, so the same key gives the same numbers in any
 * order, on any engine, in any batch of runs.
 */
export const uniform: Op<readonly ['key'], { readonly shape: Shape }> = op<
  readonly ['key'],
  { readonly shape: Shape }
>({
  name: 'uniform',
  inputs: ['key'],
  saves: [],
  integers: { key: 1000 },
  shape: ([key], { shape }) => {
    if (key!.length === 0) return checkShape(shape, 'uniform')
    throw new GraphError('shape', 'uniform', `key is ${showShape(key!)}; a key is one number, a scalar`)
  },
  forward: ([key], { shapes }) => {
    const out = filled(shapes[0]!, 0)
    fillUniform(out.data, key!.data[0]!)
    return out
  },
  jvp: {},
  vjp: {},
  flops: () => 0,
  cases: [
    { shapes: [[]], attrs: { shape: [] } },
    { shapes: [[]], attrs: { shape: [2, 3] } },
  ],
})

function fillUniform(y: Float64Array, key: number): void {
  if (!Number.isSafeInteger(key) || key < 0)
    throw new GraphError('bad-key', 'uniform', `the key is ${key}; a key is a whole number in [0, 2^53)`)
  const low = mix(key >>> 0)
  const high = mix(Math.floor(key / 2 ** 32) + (low ^ 0x9e3779b9))
  for (let i = 0; i < y.length; i++) y[i] = (mix(mix(i + low) ^ high) >>> 0) / 2 ** 32
}

/** A bijection of 32-bit words in which every bit of the input stirs every bit of the output (Wellons' lowbias32, 2018). */
function mix(word: number): number {
  let x = word | 0
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d)
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b)
  return x ^ (x >>> 16)
}

/** Settings of a dropout. */
export interface DropoutOptions {
  /** Chance of an element to be dropped, in [0, 1). */
  readonly rate: number
  /** Names the draw: another whole number, another mask. */
  readonly key: Term
}

/**
 * x with elements set to 0 at random and the others divided by 1 − rate, so that the mean stays: mask(key) · x / (1 − rate).
 *
 * Which ones depends on the key and the position only (`uniform`). Give every step another key.
 * @throws GraphError `bad-setting` where the rate is not in [0, 1).
 */
export function dropout<S extends Shape>(x: Ref<S>, { rate, key }: DropoutOptions): Ref<S> {
  if (!(rate >= 0 && rate < 1))
    throw new GraphError('bad-setting', 'dropout', `rate is ${rate}; a rate is in [0, 1)`)
  if (rate === 0) return x
  const draw = uniform(isRef(key) ? key : x.builder.constant(key), { shape: x.shape })
  return mul(x, mul(greaterEqual(draw, rate), 1 / (1 - rate))) as Ref<S>
}
