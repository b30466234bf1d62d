/** Four unsigned 32-bit words. */
export type Words = readonly [number, number, number, number]

const rounds = 10

/**
 * Philox4x32-10: `counter` and `key` of 32-bit words → four 32-bit words that look independent of every other
 * counter's.
 *
 * A keyed bijection without state: any element of the sequence is computed alone, in any order. Constants and
 * rounds from [salmon2011], where the generator is reported to pass TestU01's BigCrush.
 */
export function philox(counter: Words, key: readonly [number, number]): Words {
  let [a, b, c, d] = counter
  let [k, l] = key
  for (let round = 0; round < rounds; round++) {
    const high = highProduct(0xd2511f53, a)
    const low = Math.imul(0xd2511f53, a)
    a = highProduct(0xcd9e8d57, c) ^ b ^ k
    b = Math.imul(0xcd9e8d57, c)
    c = high ^ d ^ l
    d = low
    k = (k + 0x9e3779b9) | 0
    l = (l + 0xbb67ae85) | 0
  }
  return [a >>> 0, b >>> 0, c >>> 0, d >>> 0]
}

/**
 * The upper 32 bits of the 64-bit product; every intermediate is an integer below 2^49, so float64 holds it
 * exactly.
 */
function highProduct(a: number, b: number): number {
  const word = b >>> 0
  const lower = Math.floor(((a & 0xffff) * word) / 0x10000)
  return Math.floor(((a >>> 16) * word + lower) / 0x10000)
}
