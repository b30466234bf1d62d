import { sizeOf } from '../shape.js'
import { type Tensor, tensor } from '../tensor.js'

/** Numbers in [0, 1) from a seed, the same on every machine (splitmix32). */
export function randomFrom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x9e3779b9) | 0
    let bits = state ^ (state >>> 16)
    bits = Math.imul(bits, 0x21f0aaad)
    bits ^= bits >>> 15
    bits = Math.imul(bits, 0x735a2d97)
    bits ^= bits >>> 15
    return (bits >>> 0) / 0x100000000
  }
}

/** A tensor of numbers drawn from an interval. */
export function drawTensor(
  next: () => number,
  shape: readonly number[],
  [low, high]: readonly [low: number, high: number] = [-1, 1],
): Tensor {
  const data = Float64Array.from({ length: sizeOf(shape) }, () => low + (high - low) * next())
  return tensor({ shape, data })
}

/** A tensor of whole numbers in `[0, bound)`. */
export function drawIntegers(next: () => number, shape: readonly number[], bound: number): Tensor {
  return { shape, data: Float64Array.from({ length: sizeOf(shape) }, () => Math.floor(bound * next())) }
}
