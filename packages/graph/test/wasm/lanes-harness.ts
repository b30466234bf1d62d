/// <reference path="../../src/wasm/webassembly.d.ts" />
import type { Lane } from '../../src/lanes.js'
import { type Element, Func, WasmModule } from '../../src/wasm/assembler.js'
import { ConstantTable, lanesOn, type VectorLanes } from '../../src/wasm/lanes.js'
import { hasFma } from '../../src/wasm/probe.js'

/** How the lanes under test are computed. */
export interface Flavour {
  readonly type: Element
  readonly fma: boolean
}

/** Every flavour this engine can run: two where it has no relaxed SIMD, four where it has. */
export const flavours: readonly Flavour[] = (['f32', 'f64'] as const).flatMap(type =>
  (hasFma() ? [false, true] : [false]).map(fma => ({ type, fma })),
)

/** A number as an element type holds it. */
export const rounded = (type: Element, value: number): number => (type === 'f32' ? Math.fround(value) : value)

/** The distance to the next number of greater magnitude in an element type. */
export function ulp(type: Element, value: number): number {
  const [digits, least] = type === 'f32' ? [23, -126] : [52, -1022]
  const magnitude = Math.abs(value)
  let exponent = Math.max(least, Math.floor(Math.log2(magnitude)))
  if (2 ** exponent > magnitude && exponent > least) exponent--
  if (2 ** (exponent + 1) <= magnitude) exponent++
  return 2 ** (exponent - digits)
}

export type Code = (lanes: VectorLanes, ...inputs: Lane[]) => Lane

/** What a caller lays out: `emit` appends a loop over one of `parts` equal parts of the elements, the next one each time. */
export interface Site {
  readonly func: Func
  readonly lanes: VectorLanes
  readonly emit: (code: Code, parts?: number) => void
}

/** Runs code over columns of equal length, hoisted. */
export function run(flavour: Flavour, columns: readonly ArrayLike<number>[], code: Code): number[] {
  return runIn(flavour, columns, ({ lanes, emit }) => lanes.hoist(() => emit(code)))
}

const base = 64
const start = 4096

/** Runs over columns of equal length what `place` lays out. */
export function runIn(
  { type, fma }: Flavour,
  columns: readonly ArrayLike<number>[],
  place: (site: Site) => void,
): number[] {
  const width = type === 'f32' ? 4 : 2
  const { length } = columns[0]!
  const vectors = Math.ceil(length / width)
  const func = new Func([...columns.map(() => 'i32' as const), 'i32'])
  const table = new ConstantTable(base)
  const lanes = lanesOn(func, { type, fma, constants: table })
  const emit = (code: Code, parts = 1): void => emitLoop(func, lanes, columns.length, vectors / parts, code)
  place({ func, lanes, emit })
  const module = new WasmModule()
  module.add(func, 'run')
  const stride = 16 * vectors
  const memory = new WebAssembly.Memory({
    initial: 1 + Math.ceil((start + stride * (columns.length + 1)) / 65536),
  })
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.build()), {
    env: { memory },
  })
  const buffer = memory.buffer as ArrayBuffer
  new Uint8Array(buffer, base).set(table.bytes())
  const Numbers = type === 'f32' ? Float32Array : Float64Array
  columns.forEach((column, k) => {
    new Numbers(buffer, start + k * stride).set(column)
  })
  const call = instance.exports['run'] as (...addresses: number[]) => void
  call(...Array.from({ length: columns.length + 1 }, (_, k) => start + k * stride))
  return Array.from(new Numbers(buffer, start + columns.length * stride, length))
}

function emitLoop(func: Func, lanes: VectorLanes, inputs: number, count: number, code: Code): void {
  func.repeat(func.local('i32'), count, () => {
    const loaded = Array.from({ length: inputs }, (_, k) => {
      const lane = func.local('v128')
      func.get(k).load('v128').set(lane)
      return lane
    })
    const result = code(lanes, ...loaded)
    func.get(inputs).get(result).store('v128')
    for (let k = 0; k <= inputs; k++) func.advance(k, 16)
  })
}
