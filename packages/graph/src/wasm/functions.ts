import type { WasmModule } from './assembler.js'
import type { Kernel } from './kernels/kernel.js'

/** The functions of a module, each once. */
export class Functions {
  readonly #module: WasmModule
  readonly #indices = new Map<string, number>()

  constructor(module: WasmModule) {
    this.#module = module
  }

  /** The index of a kernel, which is emitted at its first mention. */
  index(kernel: Kernel): number {
    const known = this.#indices.get(kernel.key)
    if (known !== undefined) return known
    const made = this.#module.add(kernel.emit())
    this.#indices.set(kernel.key, made)
    return made
  }
}
