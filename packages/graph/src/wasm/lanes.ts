import type { Lane, Lanes } from '../lanes.js'
import type { Func } from './assembler.js'
import { exp, expm1, sigmoid, tanh } from './math/exponential.js'
import { log, log1p } from './math/logarithm.js'
import { type LaneOptions, Vector } from './math/vector.js'

export { ConstantTable } from './math/constants.js'
export type { LaneOptions } from './math/vector.js'

/** Lanes of 128-bit vectors, and a way to keep their constants out of loops. */
export interface VectorLanes extends Lanes {
  /**
   * Appends what `body` appends, with all constants loaded ahead of it: for a loop.
   *
   * Without it a constant is loaded where it is first mentioned, which must be on the way to every later mention.
   * `body` stands two levels deeper than it seems, which matters to branches out of it.
   */
  hoist(body: () => void): void
}

class Functions extends Vector implements VectorLanes {
  exp(a: Lane): Lane {
    return exp(this, a)
  }
  expm1(a: Lane): Lane {
    return expm1(this, a)
  }
  log(a: Lane): Lane {
    return log(this, a)
  }
  log1p(a: Lane): Lane {
    return log1p(this, a)
  }
  tanh(a: Lane): Lane {
    return tanh(this, a)
  }
  sigmoid(a: Lane): Lane {
    return sigmoid(this, a)
  }
}

/**
 * The lane interface on a function being assembled: straight-line SIMD, a fresh `v128` local for every result.
 *
 * Largest errors in units in the last place, f32 (every number of magnitude in [2⁻¹⁴, 2⁷) and 2 M random bit patterns)
 * and f64 (1.2 M numbers of all magnitudes against 160-bit arithmetic), the greater of both flavours:
 *
 * |     | exp  | expm1 | log  | log1p | tanh | sigmoid |
 * |-----|------|-------|------|-------|------|---------|
 * | f32 | 1.03 | 1.73  | 0.84 | 1.40  | 1.50 | 2.41    |
 * | f64 | 1.01 | 2.27  | 0.80 | 1.36  | 1.49 | 2.28    |
 *
 * Special values are those of `Math.*`; subnormal results are rounded, not flushed.
 */
export function lanesOn(func: Func, options: LaneOptions): VectorLanes {
  return new Functions(func, options)
}
