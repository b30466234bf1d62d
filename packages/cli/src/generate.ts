import { coin } from '@bptt/unroll'
import { Failure } from './failure.js'

/** Turns a symbol id and what the model remembers into logits `[symbols]`; remembers the symbol. */
export type Reader = (id: number) => Float64Array

/** How symbols are drawn. */
export interface Draw {
  /** 0 takes the likeliest symbol, 1 draws from the model's distribution, above 1 draws more evenly. */
  readonly temperature: number
  readonly seed: number
}

/** The coin stream of sampling, far from those of cuts and of initial values. */
const stream = 0x73616d70

/** The id drawn from `softmax(logits / temperature)` by `chance` in [0, 1); at temperature 0, the first of the largest. Throws Failure where they are not finite. */
export function pick(logits: Float64Array, temperature: number, chance: number): number {
  const top = logits.reduce((a, b) => Math.max(a, b), -Infinity)
  const best = logits.indexOf(top)
  if (best === -1 || !Number.isFinite(top))
    throw new Failure('the outputs of the model are not finite numbers')
  if (temperature === 0) return best
  const weights = logits.map(logit => Math.exp((logit - top) / temperature))
  let left = chance * weights.reduce((a, b) => a + b, 0)
  for (const [id, weight] of weights.entries()) {
    left -= weight
    if (left < 0) return id
  }
  return best
}

/** `length` ids that follow `prompt` (at least one id), one at a time, each fed back as the next input. */
export function* generate(
  read: Reader,
  prompt: readonly number[],
  length: number,
  draw: Draw,
): Generator<number> {
  let logits = new Float64Array()
  for (const id of prompt) logits = Float64Array.from(read(id))
  for (let t = 1; t <= length; t++) {
    const id = pick(logits, draw.temperature, coin(draw.seed, stream, t))
    yield id
    if (t < length) logits = Float64Array.from(read(id))
  }
}
