import { Func } from '../assembler.js'
import { type Flavour, type Kernel, kernel } from './kernel.js'
import { Vectors } from './vector.js'

/** Columns and strides, in elements, of a product of one row with a matrix. */
export interface AxpyOptions extends Flavour {
  readonly N: number
  readonly ldb: number
  readonly accumulate: boolean
  /** Stride of a: 1 unless given. */
  readonly ak?: number
  /** What every call's K is: a multiple of 8, or less than 8. Code for other numbers is left out. */
  readonly rows?: 'eights' | 'few' | undefined
}

/** `c [N] (+)= a [K] · B [K, N]`, rows of B contiguous: parameters (pA, pB, pC, K). */
export function axpyKernel(options: AxpyOptions): Kernel {
  return kernel('axpy', options, () => new Axpy(options).emit())
}

const [A, B, C, K] = [0, 1, 2, 3] as const
/** Rows of B taken at once, most first, with the vectors of columns in one turn of the loop (measured). */
const eight = { rows: 8, across: 1 }
const fewer = [
  { rows: 4, across: 4 },
  { rows: 1, across: 4 },
]
const blocksOf = ({ rows }: AxpyOptions): readonly (typeof eight)[] =>
  rows === 'few' ? fewer : rows === 'eights' ? [eight] : [eight, ...fewer]

class Axpy {
  readonly #options: AxpyOptions
  readonly #func = new Func(['i32', 'i32', 'i32', 'i32'])
  readonly #v: Vectors
  readonly #counters = { k: this.#func.local('i32'), n: this.#func.local('i32') }
  readonly #turns = this.#func.local('i32')
  readonly #at = { b: this.#func.local('i32'), c: this.#func.local('i32') }
  readonly #factors: readonly number[]
  readonly #sum: number

  constructor(options: AxpyOptions) {
    this.#options = options
    this.#v = new Vectors(this.#func, options)
    this.#factors = this.#v.locals(eight.rows)
    this.#sum = this.#func.local('v128')
  }

  emit(): Func {
    const { accumulate, N } = this.#options
    if (!accumulate)
      this.#func
        .get(C)
        .i32(0)
        .i32(N * this.#v.bytes)
        .fill()
    for (const { rows, across } of blocksOf(this.#options)) {
      this.#func.get(K).i32(Math.log2(rows)).shrU().set(this.#turns)
      this.#func.repeat(this.#counters.k, { local: this.#turns }, () =>
        this.#block(this.#factors.slice(0, rows), across),
      )
      if (rows > 1)
        this.#func
          .get(K)
          .i32(rows - 1)
          .and()
          .set(K)
    }
    return this.#func
  }

  /** Adds some rows of B, times their factors. */
  #block(factors: readonly number[], across: number): void {
    const { N, ldb, ak = 1, type } = this.#options
    const { bytes, lanes } = this.#v
    factors.forEach((factor, i) => {
      this.#func
        .get(A)
        .loadSplat(type, i * ak * bytes)
        .set(factor)
    })
    this.#func.get(B).set(this.#at.b).get(C).set(this.#at.c)
    const wide = across * lanes
    this.#func.repeat(this.#counters.n, Math.floor(N / wide), () => {
      for (let n = 0; n < wide; n += lanes) this.#columns(factors, n, lanes)
      this.#func.advance(this.#at.b, wide * bytes).advance(this.#at.c, wide * bytes)
    })
    for (let n = 0; n < N % wide; n += lanes) this.#columns(factors, n, (N % wide) - n)
    this.#func.advance(A, factors.length * ak * bytes).advance(B, factors.length * ldb * bytes)
  }

  /** Up to a vector of columns, n columns behind the pointers. */
  #columns(factors: readonly number[], n: number, count: number): void {
    const v = this.#v
    v.load(this.#at.c, n * v.bytes, count)
    this.#func.set(this.#sum)
    factors.forEach((factor, i) => {
      v.mulAdd(this.#sum, () => {
        this.#func.get(factor)
        v.load(this.#at.b, (i * this.#options.ldb + n) * v.bytes, count)
      })
    })
    v.store(this.#at.c, n * v.bytes, this.#sum, count)
  }
}
