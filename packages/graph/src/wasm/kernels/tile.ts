import { Func } from '../assembler.js'
import { type Flavour, type Kernel, kernel, panelWidth } from './kernel.js'
import { Vectors } from './vector.js'

/** Columns and strides, in elements, of a product with a packed second factor. */
export type TileOptions = Flavour & {
  readonly N: number
  readonly ldc: number
  readonly accumulate: boolean
  /** Every call's M is a multiple of 4: code for rows left over is left out. */
  readonly whole?: boolean
} & (
    | {
        /** A lies anywhere: strides along its rows and along k. */
        readonly am: number
        readonly ak: number
        readonly aPacked?: false
      }
    | {
        /** A lies in panels [M/4][K][4]. */
        readonly aPacked: true
      }
  )

/** The rows of a tile, and of a panel of A. */
export const tileRows = 4

/** Panels between which the rows of A stay in the first cache, and a cache line of C is written whole. */
const beside = 4

/**
 * `C [M, N] (+)= A [M, K] · B [K, N]`, B in panels as `packKernel` writes them: parameters (pA, pB, pC, M, K).
 *
 * Tiles of 4 rows and one panel, then of 2 and 1 rows; panels outside, rows inside.
 */
export function tileKernel(options: TileOptions): Kernel {
  return kernel('tile', options, () => new Tile(options).emit())
}

const [A, B, C, M, K] = [0, 1, 2, 3, 4] as const

class Tile {
  readonly #N: number
  readonly #ldc: number
  readonly #accumulate: boolean
  readonly #whole: boolean
  /** Strides of A inside a tile. */
  readonly #am: number
  readonly #ak: number
  readonly #width: number
  readonly #func = new Func(['i32', 'i32', 'i32', 'i32', 'i32'])
  readonly #v: Vectors
  readonly #counters = {
    k: this.#func.local('i32'),
    tile: this.#func.local('i32'),
    panel: this.#func.local('i32'),
    strip: this.#func.local('i32'),
  }
  readonly #tiles = this.#func.local('i32')
  /** Bytes from a tile's rows of A to the next tile's, and from panel to panel of B. */
  readonly #rowsOfA = this.#func.local('i32')
  readonly #panelOfB = this.#func.local('i32')
  /** Where the panel of C and the tile being computed begin. */
  readonly #panel = this.#func.local('i32')
  readonly #tile = { a: this.#func.local('i32'), c: this.#func.local('i32') }
  /** What k has come to. */
  readonly #at = { a: this.#func.local('i32'), b: this.#func.local('i32') }
  readonly #sums: readonly number[]
  readonly #columns: readonly number[]
  readonly #element: number

  constructor(options: TileOptions) {
    this.#N = options.N
    this.#ldc = options.ldc
    this.#accumulate = options.accumulate
    this.#whole = options.whole ?? false
    this.#am = options.aPacked ? 1 : options.am
    this.#ak = options.aPacked ? tileRows : options.ak
    this.#width = panelWidth(options.type)
    this.#v = new Vectors(this.#func, options)
    this.#sums = this.#v.locals(tileRows * 2)
    this.#columns = this.#v.locals(2)
    this.#element = this.#func.local('v128')
    this.#strides(options.aPacked === true)
  }

  #strides(packed: boolean): void {
    const { bytes } = this.#v
    this.#func.get(M).i32(Math.log2(tileRows)).shrU().set(this.#tiles)
    this.#func
      .get(K)
      .i32(this.#width * bytes)
      .mul()
      .set(this.#panelOfB)
    if (packed) this.#func.get(K)
    this.#func.i32((packed ? 1 : this.#am) * tileRows * bytes)
    if (packed) this.#func.mul()
    this.#func.set(this.#rowsOfA)
  }

  emit(): Func {
    const panels = Math.floor(this.#N / this.#width)
    this.#func.get(C).set(this.#panel)
    this.#func.repeat(this.#counters.strip, Math.floor(panels / beside), () =>
      this.#strip(beside, this.#width),
    )
    if (panels % beside > 0) this.#strip(panels % beside, this.#width)
    if (this.#N % this.#width > 0) this.#strip(1, this.#N % this.#width)
    return this.#func
  }

  /** The tiles of panels side by side, from top to bottom; B and the panel of C end up behind them. */
  #strip(panels: number, columns: number): void {
    const { bytes } = this.#v
    this.#func.get(A).set(this.#tile.a).get(this.#panel).set(this.#tile.c)
    this.#func.repeat(this.#counters.tile, { local: this.#tiles }, () => {
      this.#row(tileRows, panels, columns)
      this.#func.get(this.#tile.a).get(this.#rowsOfA).add().set(this.#tile.a)
    })
    for (let rows = this.#whole ? 0 : tileRows / 2; rows >= 1; rows /= 2)
      this.#func
        .get(M)
        .i32(rows)
        .and()
        .ifThen(() => {
          this.#row(rows, panels, columns)
          this.#func.advance(this.#tile.a, rows * this.#am * bytes)
        })
    this.#func.get(this.#panelOfB).i32(panels).mul().get(B).add().set(B)
    this.#func.advance(this.#panel, panels * this.#width * bytes)
  }

  /** Tiles side by side. */
  #row(rows: number, panels: number, columns: number): void {
    const { bytes } = this.#v
    this.#func.get(B).set(this.#at.b)
    this.#func.repeat(this.#counters.panel, panels, () => {
      this.#product(rows, columns)
      this.#func.advance(this.#tile.c, this.#width * bytes)
    })
    this.#func.advance(this.#tile.c, (rows * this.#ldc - panels * this.#width) * bytes)
  }

  /** One tile; what walks along B ends up at the next panel. */
  #product(rows: number, columns: number): void {
    const { bytes, lanes } = this.#v
    const across = Math.ceil(columns / lanes)
    this.#func.get(this.#tile.a).set(this.#at.a)
    this.#each(rows, across, (sum, i, j) => {
      if (this.#accumulate)
        this.#v.load(this.#tile.c, (i * this.#ldc + j * lanes) * bytes, columns - j * lanes)
      else this.#func.zero()
      this.#func.set(sum)
    })
    this.#func.repeat(this.#counters.k, { local: K }, () => {
      this.#step(rows, across)
      this.#func.advance(this.#at.a, this.#ak * bytes).advance(this.#at.b, this.#width * bytes)
    })
    this.#each(rows, across, (sum, i, j) =>
      this.#v.store(this.#tile.c, (i * this.#ldc + j * lanes) * bytes, sum, columns - j * lanes),
    )
  }

  /** Adds the products of one k. */
  #step(rows: number, across: number): void {
    const v = this.#v
    for (let j = 0; j < across; j++) {
      v.load(this.#at.b, 16 * j)
      this.#func.set(this.#columns[j]!)
    }
    for (let i = 0; i < rows; i++) {
      this.#func
        .get(this.#at.a)
        .loadSplat(v.type, i * this.#am * v.bytes)
        .set(this.#element)
      for (let j = 0; j < across; j++)
        v.mulAdd(this.#sums[2 * i + j]!, () => this.#func.get(this.#element).get(this.#columns[j]!))
    }
  }

  #each(rows: number, across: number, visit: (sum: number, i: number, j: number) => void): void {
    for (let i = 0; i < rows; i++) for (let j = 0; j < across; j++) visit(this.#sums[2 * i + j]!, i, j)
  }
}
