import { bytesOf, type Element, Func } from '../assembler.js'
import { type IndexOf, type Kernel, kernel } from './kernel.js'

/** Row strides, in elements, of a product. */
export interface ChunkOptions {
  readonly type: Element
  readonly lda: number
  readonly ldc: number
}

/** Rows per call: what is read again for every strip of columns stays in the cache. */
const chunk = 256

/**
 * A product over many rows as calls over at most 256: parameters (pA, pB, pC, M, K), as the product's.
 *
 * Engines replace baseline code only between calls, so one long call would stay slow to its end.
 */
export function rowChunks(product: Kernel, options: ChunkOptions, indexOf: IndexOf): Kernel {
  return kernel(`chunks of ${product.key},`, options, () => chunks(options, indexOf(product)))
}

const [A, B, C, M, K] = [0, 1, 2, 3, 4] as const

function chunks({ type, lda, ldc }: ChunkOptions, product: number): Func {
  const func = new Func(['i32', 'i32', 'i32', 'i32', 'i32'])
  const bytes = bytesOf(type)
  func.block(() => {
    func.loop(() => {
      func.get(M).i32(chunk).leU().brIf(1)
      func.get(A).get(B).get(C).i32(chunk).get(K).call(product)
      func
        .advance(A, chunk * lda * bytes)
        .advance(C, chunk * ldc * bytes)
        .advance(M, -chunk)
        .br(0)
    })
  })
  return func.get(A).get(B).get(C).get(M).get(K).call(product)
}
