import type { Sample } from '@bptt/stream'
import { coin } from '@bptt/unroll'

/**
 * The outputs y(1) … y(T) of a plant for the inputs u(0) … u(T − 1), from a history of zeros [narendra-parthasarathy1990]:
 * y(k+1) = (x₁ x₂ x₃ x₅ (x₃ − 1) + x₄) / (1 + x₂² + x₃²), x = y(k), y(k−1), y(k−2), u(k), u(k−1).
 */
export function plant(us: readonly number[]): readonly number[] {
  let [y1, y2, y3, u1] = [0, 0, 0, 0]
  return us.map(u => {
    const next = (y1 * y2 * y3 * u1 * (y3 - 1) + u) / (1 + y2 ** 2 + y3 ** 2)
    ;[y1, y2, y3, u1] = [next, y1, y2, u]
    return next
  })
}

/** The input on which such plants are tested, u(0) … u(999). */
export function testInput(): readonly number[] {
  return Array.from({ length: 1000 }, (_, k) => {
    const wave = (period: number): number => Math.sin((Math.PI * k) / period)
    if (k < 250) return wave(25)
    if (k < 500) return 1
    return k < 750 ? -1 : 0.3 * wave(25) + 0.1 * wave(32) + 0.6 * wave(10)
  })
}

/** Inputs to learn from: 450 that are uniform in [−1, 1], then 450 of a slow wave. */
export function trainingInput(seed: number, epoch: number): readonly number[] {
  return Array.from({ length: 900 }, (_, k) =>
    k < 450 ? 2 * coin(seed, epoch, k) - 1 : 1.05 * Math.sin((Math.PI * k) / 45),
  )
}

/** Pairs of input and output of the plant, from a history of zeros; nothing else is told. */
export function* observed(us: readonly number[]): Generator<Sample> {
  for (const [k, y] of plant(us).entries()) yield { input: [us[k]!], target: [y], reset: k === 0 }
}
