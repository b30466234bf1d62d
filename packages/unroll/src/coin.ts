import { GraphError } from '@bptt/graph'
import { shown } from './checks.js'
import { philox } from './philox.js'

/**
 * A uniform number in [0, 1) that depends on `(seed, stream, t)` and on nothing else; a multiple of 2^-53.
 *
 * There is no state to save: restarting, cutting the stream into other chunks, or asking in another order
 * gives the same coins. Each argument is an integer in [0, 2^53).
 *
 * The triple is hashed by Philox4x32-10: `seed` is its key, `t` and `stream` are its counter, all with both
 * 32-bit halves. Checked in the tests: published answers of Philox, chi-square of 64 bins for 400 pairs of
 * seed and stream, serial and cross correlation between neighbouring t, streams and seeds, pairs in an 8×8
 * grid, and each bit of the result.
 *
 * @throws GraphError `bad-coin` when an argument is not an integer in [0, 2^53)
 */
export function coin(seed: number, stream: number, t: number): number {
  check('seed', seed)
  check('stream', stream)
  check('t', t)
  const [a, b] = philox([low(t), high(t), low(stream), high(stream)], [low(seed), high(seed)])
  return ((a >>> 5) * 0x4000000 + (b >>> 6)) / 0x20000000000000
}

function check(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0) return
  throw new GraphError(
    'bad-coin',
    'coin',
    `${name} is ${shown(value)}; it must be an integer from 0 to 2^53 - 1`,
    'any whole number does: 0, 1, 2, …',
  )
}

function low(value: number): number {
  return value >>> 0
}

function high(value: number): number {
  return Math.floor(value / 0x100000000)
}
