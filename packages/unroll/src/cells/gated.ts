import type { Sizes } from '../cell.js'
import { type Initialiser, uniform } from '../initialise.js'

/** Shapes of the four parameters that PyTorch's recurrent cells have, for `blocks` gates of `hidden` rows each. */
export type GatedParams = {
  readonly weight_ih: readonly [number, number]
  readonly weight_hh: readonly [number, number]
  readonly bias_ih: readonly [number]
  readonly bias_hh: readonly [number]
}

/** weight_ih [blocks·hidden, inputs], weight_hh [blocks·hidden, hidden], bias_ih and bias_hh [blocks·hidden]. */
export function gatedParams({ inputs, hidden }: Sizes, blocks: number): GatedParams {
  const rows = blocks * hidden
  return { weight_ih: [rows, inputs], weight_hh: [rows, hidden], bias_ih: [rows], bias_hh: [rows] }
}

/** PyTorch's start values: all four uniform in ±1/√hidden. */
export function gatedInit({ hidden }: Sizes): Record<keyof GatedParams, Initialiser> {
  const make = uniform(1 / Math.sqrt(hidden))
  return { weight_ih: make, weight_hh: make, bias_ih: make, bias_hh: make }
}
