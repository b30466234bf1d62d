import { bytesOf, Func } from '../assembler.js'
import { axpyKernel } from './axpy.js'
import { type Flavour, type IndexOf, type Kernel, kernel, panelWidth } from './kernel.js'
import { packedSize, packKernel } from './pack.js'
import { tileKernel, tileRows } from './tile.js'

/** Sizes and row strides, in elements, of a sum over rows. */
export interface GradientOptions extends Flavour {
  readonly M: number
  readonly N: number
  readonly lda: number
  readonly ldb: number
  readonly ldc: number
  readonly accumulate: boolean
}

/** Rows packed at a time: their panels stay in the cache. */
const chunk = 128
/** Up to so many rows are added to C as they are. */
const few = 4

/**
 * `C [M, N] (+)= A [R, M]ᵀ · B [R, N]`, the gradient of a weight: parameters (pA, pB, pC, R, pScratch).
 *
 * Chunks of at most 128 rows are packed into the scratch memory and multiplied in tiles.
 */
export function gradientKernel(options: GradientOptions, indexOf: IndexOf): Kernel {
  return kernel('gradient', options, () => gradient(options, indexOf))
}

/** The elements of scratch memory that `gradientKernel` needs. */
export function gradientScratch({ type, M, N }: Pick<GradientOptions, 'type' | 'M' | 'N'>): number {
  return packedSize(chunk, M, tileRows) + packedSize(chunk, N, panelWidth(type))
}

const [A, B, C, R, SCRATCH] = [0, 1, 2, 3, 4] as const

function gradient(options: GradientOptions, indexOf: IndexOf): Func {
  const func = new Func(['i32', 'i32', 'i32', 'i32', 'i32'])
  if (!options.accumulate) clear(func, options)
  func.get(R).i32(few).leU()
  return func.ifThen(
    () => addRows(func, options, indexOf),
    () => addChunks(func, options, indexOf),
  )
}

function clear(func: Func, { M, N, ldc, type }: GradientOptions): void {
  const bytes = bytesOf(type)
  const [counter, row] = [func.local('i32'), func.local('i32')]
  const [rows, width] = ldc === N ? [1, M * N] : [M, N]
  func.get(C).set(row)
  func.repeat(counter, rows, () => {
    func
      .get(row)
      .i32(0)
      .i32(width * bytes)
      .fill()
      .advance(row, ldc * bytes)
  })
}

/** Every row of C gets the few rows of B at once. */
function addRows(func: Func, { type, fma, M, N, lda, ldb, ldc }: GradientOptions, indexOf: IndexOf): void {
  const add = indexOf(axpyKernel({ type, fma, N, ldb, accumulate: true, ak: lda, rows: 'few' }))
  const counter = func.local('i32')
  func.repeat(counter, M, () => {
    func.get(A).get(B).get(C).get(R).call(add)
    func.advance(A, bytesOf(type)).advance(C, ldc * bytesOf(type))
  })
}

function addChunks(func: Func, options: GradientOptions, indexOf: IndexOf): void {
  const { type, fma, M, N, lda, ldb, ldc } = options
  const bytes = bytesOf(type)
  const packA = indexOf(packKernel({ type, N: M, bk: lda, bn: 1, width: tileRows }))
  const packB = indexOf(packKernel({ type, N, bk: ldb, bn: 1, width: panelWidth(type) }))
  const tile = indexOf(
    tileKernel({ type, fma, N, ldc, accumulate: true, aPacked: true, whole: M % tileRows === 0 }),
  )
  const [rows, panels] = [func.local('i32'), func.local('i32')]
  func
    .get(SCRATCH)
    .i32(packedSize(chunk, M, tileRows) * bytes)
    .add()
    .set(panels)
  func.loop(() => {
    func.get(R).i32(chunk).get(R).i32(chunk).ltU().select().set(rows)
    func.get(A).get(SCRATCH).get(rows).call(packA)
    func.get(B).get(panels).get(rows).call(packB)
    func.get(SCRATCH).get(panels).get(C).i32(M).get(rows).call(tile)
    for (const [pointer, stride] of [
      [A, lda],
      [B, ldb],
    ] as const)
      func
        .get(rows)
        .i32(stride * bytes)
        .mul()
        .get(pointer)
        .add()
        .set(pointer)
    func.get(R).get(rows).sub().tee(R).brIf(0)
  })
}
