import { Func } from '../assembler.js'
import { type Flavour, type Kernel, kernel } from './kernel.js'
import { Vectors } from './vector.js'

/** Columns and row strides, in elements, of a product of rows with rows. */
export interface DotOptions extends Flavour {
  readonly N: number
  readonly lda: number
  readonly ldb: number
  readonly ldc: number
  readonly accumulate: boolean
  /** What every call's M is: 1, or a multiple of 4. Code for other rows is left out. */
  readonly rows?: 'one' | 'fours' | undefined
  /** Every call's K is a multiple of the elements in a vector: code for single elements is left out. */
  readonly whole?: boolean
}

/**
 * `C [M, N] (+)= A [M, K] · B [N, K]ᵀ`, all rows contiguous: parameters (pA, pB, pC, M, K).
 *
 * Tiles of 4 rows and 2 columns; rows left over go one by one, 6 columns at a time.
 */
export function dotKernel(options: DotOptions): Kernel {
  return kernel('dot', options, () => new Dot(options).emit())
}

const [A, B, C, M, K] = [0, 1, 2, 3, 4] as const
const tall = { rows: 4, columns: 2 }
const flat = { rows: 1, columns: 6 }

class Dot {
  readonly #options: DotOptions
  readonly #func = new Func(['i32', 'i32', 'i32', 'i32', 'i32'])
  readonly #v: Vectors
  readonly #counters = {
    k: this.#func.local('i32'),
    tile: this.#func.local('i32'),
    strip: this.#func.local('i32'),
  }
  /** Whole vectors along k, and elements after them. */
  readonly #vectors = this.#func.local('i32')
  readonly #elements = this.#func.local('i32')
  /** Where the strip and the tile being computed begin. */
  readonly #strip = { b: this.#func.local('i32'), c: this.#func.local('i32') }
  readonly #tile = { a: this.#func.local('i32'), c: this.#func.local('i32') }
  /** What k has come to. */
  readonly #at = { a: this.#func.local('i32'), b: this.#func.local('i32') }
  readonly #sums: readonly number[]
  readonly #columns: readonly number[]
  readonly #row: number

  constructor(options: DotOptions) {
    this.#options = options
    this.#v = new Vectors(this.#func, options)
    this.#sums = this.#v.locals(tall.rows * tall.columns)
    this.#columns = this.#v.locals(tall.columns)
    this.#row = this.#func.local('v128')
  }

  emit(): Func {
    const lanes = this.#v.lanes
    const { rows } = this.#options
    const tiles = this.#func.local('i32')
    this.#func.get(K).i32(Math.log2(lanes)).shrU().set(this.#vectors)
    this.#func
      .get(K)
      .i32(lanes - 1)
      .and()
      .set(this.#elements)
    if (rows !== 'one') {
      this.#func.get(M).i32(Math.log2(tall.rows)).shrU().tee(tiles)
      this.#func.ifThen(() => this.#sweep(tiles, tall))
    }
    if (rows === 'fours') return this.#func
    this.#func
      .get(M)
      .i32(tall.rows - 1)
      .and()
      .tee(tiles)
    return this.#func.ifThen(() => this.#sweep(tiles, flat))
  }

  /** Strips of columns, in each of them tiles from top to bottom; A and C end up below the last tile. */
  #sweep(tiles: number, { rows, columns }: typeof tall): void {
    const { N, lda, ldc } = this.#options
    const { bytes } = this.#v
    this.#func.get(B).set(this.#strip.b).get(C).set(this.#strip.c)
    this.#func.repeat(this.#counters.strip, Math.floor(N / columns), () => this.#column(tiles, rows, columns))
    if (N % columns > 0) this.#column(tiles, rows, N % columns)
    for (const [pointer, stride] of [
      [A, lda],
      [C, ldc],
    ] as const)
      this.#func
        .get(tiles)
        .i32(rows * stride * bytes)
        .mul()
        .get(pointer)
        .add()
        .set(pointer)
  }

  #column(tiles: number, rows: number, columns: number): void {
    const { lda, ldb, ldc } = this.#options
    const { bytes } = this.#v
    this.#func.get(A).set(this.#tile.a).get(this.#strip.c).set(this.#tile.c)
    this.#func.repeat(this.#counters.tile, { local: tiles }, () => {
      this.#product(rows, columns)
      this.#func.advance(this.#tile.a, rows * lda * bytes).advance(this.#tile.c, rows * ldc * bytes)
    })
    this.#func.advance(this.#strip.b, columns * ldb * bytes).advance(this.#strip.c, columns * bytes)
  }

  /** One tile. */
  #product(rows: number, columns: number): void {
    const sums = this.#sums.slice(0, rows * columns)
    this.#func.get(this.#tile.a).set(this.#at.a).get(this.#strip.b).set(this.#at.b)
    for (const sum of sums) this.#func.zero().set(sum)
    this.#steps(this.#vectors, rows, columns, this.#v.lanes)
    if (!this.#options.whole) this.#steps(this.#elements, rows, columns, 1)
    for (let i = 0; i < rows; i++) this.#finish(i, sums.slice(i * columns, (i + 1) * columns))
  }

  /** Goes along k, `width` elements at a time. */
  #steps(count: number, rows: number, columns: number, width: number): void {
    const step = width * this.#v.bytes
    this.#func.repeat(this.#counters.k, { local: count }, () => {
      this.#step(rows, columns, width)
      this.#func.advance(this.#at.a, step).advance(this.#at.b, step)
    })
  }

  /** Adds the products of `width` elements along k. */
  #step(rows: number, columns: number, width: number): void {
    const { lda, ldb } = this.#options
    const v = this.#v
    const kept = rows > 1
    const column = (j: number): void => v.load(this.#at.b, j * ldb * v.bytes, width)
    for (let j = 0; kept && j < columns; j++) {
      column(j)
      this.#func.set(this.#columns[j]!)
    }
    for (let i = 0; i < rows; i++) {
      v.load(this.#at.a, i * lda * v.bytes, width)
      this.#func.set(this.#row)
      for (let j = 0; j < columns; j++)
        v.mulAdd(this.#sums[i * columns + j]!, () => {
          this.#func.get(this.#row)
          if (kept) this.#func.get(this.#columns[j]!)
          else column(j)
        })
    }
  }

  /** Writes a row of the tile. */
  #finish(row: number, sums: readonly number[]): void {
    const v = this.#v
    for (let j = 0; j < sums.length; j += v.lanes) {
      const group = sums.slice(j, j + v.lanes)
      const offset = (row * this.#options.ldc + j) * v.bytes
      v.sumLanes(group)
      if (this.#options.accumulate) {
        this.#func.get(group[0]!)
        v.load(this.#tile.c, offset, group.length)
        v.add().set(group[0]!)
      }
      v.store(this.#tile.c, offset, group[0]!, group.length)
    }
  }
}
