import type { Target } from './fused.js'
import { axpyKernel } from './kernels/axpy.js'
import { rowChunks } from './kernels/chunks.js'
import { dotKernel } from './kernels/dot.js'
import { gradientKernel, gradientScratch } from './kernels/gradient.js'
import { type IndexOf, type Kernel, panelWidth } from './kernels/kernel.js'
import { packKernel } from './kernels/pack.js'
import { tileKernel } from './kernels/tile.js'
import type { Pack, Product } from './plan.js'
import { isOne, type Length } from './product.js'

/** A kernel, and what it takes behind the addresses of a, b and y: numbers of rows (m) and summed elements (k), or room. */
export interface Multiplication {
  readonly kernel: Kernel
  readonly extra: readonly ('m' | 'k' | 'room')[]
}

/** From so many rows on a product runs in chunks of rows. */
const MANY = 256

/** True for lengths that are multiples of `step`, whatever their axis is bound to: kernels need no code for what is left over. */
const isMultiple = ({ factor }: Length, step: number): boolean => factor % step === 0

/** The kernel of a product, by its form. */
export function productOf(
  { form, m, n, k }: Product,
  { type, fma }: Target,
  indexOf: IndexOf,
): Multiplication {
  const N = n.length.factor
  const common = { type, fma, N, accumulate: false }
  if (form === 'axpy') {
    const rows = isMultiple(k.length, 8) ? 'eights' : undefined
    return { kernel: axpyKernel({ ...common, ldb: k.b, ak: k.a, rows }), extra: ['k'] }
  }
  if (form === 'gradient') {
    const kernel = gradientKernel({ ...common, M: m.length.factor, lda: k.a, ldb: k.b, ldc: m.y }, indexOf)
    return { kernel, extra: ['k', 'room'] }
  }
  const fours = isMultiple(m.length, 4)
  const kernel =
    form === 'dot'
      ? dotKernel({
          ...common,
          ...{ lda: m.a, ldb: n.b, ldc: m.y },
          rows: isOne(m.length) ? 'one' : fours ? 'fours' : undefined,
          whole: isMultiple(k.length, type === 'f32' ? 4 : 2),
        })
      : tileKernel({ ...common, am: m.a, ak: k.a, ldc: m.y, whole: fours })
  const many = m.length.axis !== undefined || m.length.factor > MANY
  return {
    kernel: many ? rowChunks(kernel, { type, lda: m.a, ldc: m.y }, indexOf) : kernel,
    extra: ['m', 'k'],
  }
}

/** The kernel that packs an operand for `tile`. */
export function packOf({ columns, k, n }: Pack, { type }: Target): Kernel {
  return packKernel({ type, N: columns, bk: k, bn: n, width: panelWidth(type) })
}

/** Elements of room that a gradient needs, of either element type. */
export function gradientRoom(M: number, N: number): number {
  return Math.max(...(['f32', 'f64'] as const).map(type => gradientScratch({ type, M, N })))
}
