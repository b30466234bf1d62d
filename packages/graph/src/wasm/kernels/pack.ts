import { type Element, Func } from '../assembler.js'
import { type Kernel, kernel } from './kernel.js'
import { Vectors } from './vector.js'

/** Columns and strides, in elements, of a matrix to be packed. */
export interface PackOptions {
  readonly type: Element
  readonly N: number
  /** Stride along the K axis. */
  readonly bk: number
  /** Stride along the N axis. */
  readonly bn: number
  /** Columns of a panel: a multiple of the elements in a vector. */
  readonly width: number
}

/**
 * Copies B [K, N] into panels [N/width][K][width], the last one filled up with zeros: parameters (pB, pOut, K).
 */
export function packKernel(options: PackOptions): Kernel {
  return kernel('pack', options, () => new Pack(options).emit())
}

/** The elements that `packKernel` writes. */
export function packedSize(K: number, N: number, width: number): number {
  return K * Math.ceil(N / width) * width
}

const [B, OUT, K] = [0, 1, 2] as const
/** Panels copied side by side, so that a cache line and a page are visited once. */
const together = 4

class Pack {
  readonly #options: PackOptions
  readonly #func = new Func(['i32', 'i32', 'i32'])
  readonly #v: Vectors
  readonly #counters = { k: this.#func.local('i32'), panel: this.#func.local('i32') }
  readonly #from = this.#func.local('i32')
  readonly #to: readonly number[] = Array.from({ length: together }, () => this.#func.local('i32'))

  constructor(options: PackOptions) {
    this.#options = options
    this.#v = new Vectors(this.#func, { type: options.type, fma: false })
  }

  emit(): Func {
    const { bk, bn, width } = this.#options
    if (bn === 1) this.#panels(together * width, columns => this.#copied(columns))
    else if (bk === 1) this.#panels(width, columns => this.#transposed(columns))
    else this.#panels(width, columns => this.#gathered(columns))
    return this.#func
  }

  /** Runs `body` for every so many columns. */
  #panels(columns: number, body: (columns: number) => void): void {
    const { N, bn } = this.#options
    const one = (some: number): void => {
      body(some)
      this.#func.advance(B, some * bn * this.#v.bytes)
    }
    this.#func.repeat(this.#counters.panel, Math.floor(N / columns), () => one(columns))
    if (N % columns > 0) one(N % columns)
  }

  /** Panels of a matrix whose rows are contiguous: whole vectors. */
  #copied(columns: number): void {
    const { bk, width } = this.#options
    const { bytes, lanes } = this.#v
    const panels = this.#to.slice(0, Math.ceil(columns / width))
    this.#func.get(B).set(this.#from).get(OUT).set(this.#to[0]!)
    panels.slice(1).forEach((to, p) => {
      this.#func
        .get(panels[p]!)
        .get(K)
        .i32(width * bytes)
        .mul()
        .add()
        .set(to)
    })
    this.#func.repeat(this.#counters.k, { local: K }, () => {
      panels.forEach((to, p) => {
        for (let n = 0; n < width; n += lanes) {
          this.#func.get(to)
          this.#v.load(this.#from, (p * width + n) * bytes, columns - p * width - n)
          this.#func.store('v128', n * bytes)
        }
        this.#func.advance(to, width * bytes)
      })
      this.#func.advance(this.#from, bk * bytes)
    })
    this.#func.get(panels.at(-1)!).set(OUT)
  }

  /** A panel of a matrix whose columns are contiguous: squares turned in registers. */
  #transposed(columns: number): void {
    const { width } = this.#options
    const { bytes, lanes } = this.#v
    const squares = this.#func.local('i32')
    const rest = this.#func.local('i32')
    this.#func.get(B).set(this.#from)
    this.#func.get(K).i32(Math.log2(lanes)).shrU().set(squares)
    this.#func
      .get(K)
      .i32(lanes - 1)
      .and()
      .set(rest)
    this.#func.repeat(this.#counters.k, { local: squares }, () => {
      for (let n = 0; n < width; n += lanes) this.#square(n, columns - n)
      this.#func.advance(this.#from, 16).advance(OUT, lanes * width * bytes)
    })
    this.#func.repeat(this.#counters.k, { local: rest }, () => this.#row(columns))
  }

  /** `lanes` rows of a panel, from its column n on. */
  #square(n: number, columns: number): void {
    const { bn, width } = this.#options
    const { bytes, lanes } = this.#v
    const read = Array.from({ length: lanes }, (_, i) => {
      const local = this.#func.local('v128')
      this.#v.load(this.#from, (n + i) * bn * bytes, i < columns ? lanes : 0)
      this.#func.set(local)
      return local
    })
    this.#v.transposed(read).forEach((row, k) => {
      this.#v.store(OUT, (k * width + n) * bytes, row)
    })
  }

  /** A panel of a matrix that lies anyhow: element by element. */
  #gathered(columns: number): void {
    this.#func.get(B).set(this.#from)
    this.#func.repeat(this.#counters.k, { local: K }, () => this.#row(columns))
  }

  #row(columns: number): void {
    const { type, bk, bn, width } = this.#options
    const { bytes, lanes } = this.#v
    const row = this.#func.local('v128')
    for (let n = 0; n < width; n += lanes) {
      this.#func.zero().set(row)
      for (let lane = 0; lane < Math.min(lanes, columns - n); lane++)
        this.#func
          .get(this.#from)
          .get(row)
          .loadLane(type, lane, (n + lane) * bn * bytes)
          .set(row)
      this.#v.store(OUT, n * bytes, row)
    }
    this.#func.advance(this.#from, bk * bytes).advance(OUT, width * bytes)
  }
}
