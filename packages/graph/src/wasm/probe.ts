import { Func, WasmModule } from './assembler.js'

/** True where vectors of 128 bits can be compiled. */
export function hasSimd(): boolean {
  return compiles(new Func([], ['v128']).zero())
}

/** True where a · b + c of vectors is one instruction (`relaxed_madd`). */
export function hasFma(): boolean {
  return compiles(new Func(['v128', 'v128', 'v128'], ['v128']).get(0).get(1).get(2).simd(0x105))
}

/** Nothing, or the sentence that says why generated code cannot run here. */
export function supported(): string | undefined {
  if (typeof WebAssembly === 'undefined') return 'this JavaScript engine has no WebAssembly'
  return hasSimd() ? undefined : 'this JavaScript engine has WebAssembly without SIMD'
}

function compiles(func: Func): boolean {
  if (typeof WebAssembly === 'undefined') return false
  const module = new WasmModule()
  module.add(func)
  return WebAssembly.validate(module.build())
}
