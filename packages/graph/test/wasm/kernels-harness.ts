/// <reference path="../../src/wasm/webassembly.d.ts" />
import fc from 'fast-check'
import { bytesOf, type Element, WasmModule } from '../../src/wasm/assembler.js'
import type { Flavour, IndexOf, Kernel } from '../../src/wasm/kernels/kernel.js'
import { hasFma } from '../../src/wasm/probe.js'

const pages = 4

/** Every flavour this engine can run. */
export const flavours: readonly Flavour[] = (['f32', 'f64'] as const).flatMap(type =>
  (hasFma() ? [false, true] : [false]).map(fma => ({ type, fma })),
)

export const anyFlavour: fc.Arbitrary<Flavour> = fc.constantFrom(...flavours)

export type Numbers = Float32Array | Float64Array

/** A kernel compiled over a memory of small whole numbers, which every order of summation adds exactly. */
export class Bench {
  readonly numbers: Numbers
  readonly #memory = new WebAssembly.Memory({ initial: pages })
  readonly #type: Element
  #end: number

  constructor(type: Element, seed: number) {
    this.#type = type
    const View = type === 'f32' ? Float32Array : Float64Array
    this.numbers = new View(this.#memory.buffer as ArrayBuffer)
    for (let i = 0; i < this.numbers.length; i++) this.numbers[i] = ((i * 7919 + seed * 104729) % 17) - 8
    this.#end = 1 + (seed % 5)
  }

  /** Elements set aside, at a place aligned to an element only: the index of the first. */
  room(elements: number): number {
    const at = this.#end
    this.#end += elements + 3
    if (this.#end > this.numbers.length)
      throw new Error(`the bench is too small for ${elements} more elements`)
    return at
  }

  /** Calls the kernel with element indices turned to addresses, then plain numbers. */
  run(
    make: (indexOf: IndexOf) => Kernel,
    places: readonly number[],
    counts: readonly number[],
    scratch?: number,
  ): void {
    const bytes = bytesOf(this.#type)
    const run = compiled(make, this.#memory)
    const last = scratch === undefined ? [] : [scratch * bytes]
    run(...places.map(place => place * bytes), ...counts, ...last)
  }
}

function compiled(
  make: (indexOf: IndexOf) => Kernel,
  memory: WebAssembly.Memory,
): (...args: number[]) => void {
  const module = new WasmModule({ pages: 1 })
  const indices = new Map<string, number>()
  const indexOf: IndexOf = kernel => {
    const index = indices.get(kernel.key) ?? module.add(kernel.emit())
    indices.set(kernel.key, index)
    return index
  }
  module.add(make(indexOf).emit(), 'run')
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.build()), {
    env: { memory },
  })
  return instance.exports['run'] as (...args: number[]) => void
}

/** A matrix in a bench: the index of its first element, and its strides. */
export interface Matrix {
  readonly at: number
  readonly row: number
  readonly column: number
}

/** C (+)= A · B by the definition, on plain numbers. */
export function multiply(
  numbers: Numbers,
  [a, b, c]: readonly [Matrix, Matrix, Matrix],
  [M, N, K]: readonly [number, number, number],
  accumulate: boolean,
): Numbers {
  const out = numbers.slice()
  for (let m = 0; m < M; m++)
    for (let n = 0; n < N; n++) {
      const at = c.at + m * c.row + n * c.column
      let sum = accumulate ? numbers[at]! : 0
      for (let k = 0; k < K; k++)
        sum += numbers[a.at + m * a.row + k * a.column]! * numbers[b.at + k * b.row + n * b.column]!
      out[at] = sum
    }
  return out
}

/** The panels of B [K, N] by the definition. */
export function panels(numbers: Numbers, b: Matrix, K: number, N: number, width: number): number[] {
  return Array.from({ length: Math.ceil(N / width) * K * width }, (_, i) => {
    const n = Math.floor(i / (K * width)) * width + (i % width)
    const k = Math.floor(i / width) % K
    return n < N ? numbers[b.at + k * b.row + n * b.column]! : 0
  })
}

/** Where two memories differ first, with both values; undefined where they agree bit for bit (but for NaN). */
export function difference(found: Numbers, expected: Numbers): string | undefined {
  const at = found.findIndex((value, i) => !Object.is(value, expected[i]) && value !== expected[i])
  return at === -1 ? undefined : `${found[at]} instead of ${expected[at]} at ${at}`
}
