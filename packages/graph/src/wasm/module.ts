import { GraphError } from '../error.js'
import { Bytes } from './bytes.js'
import { typeCodes, type ValType } from './types.js'

/** The most pages that memory of 32-bit addresses has; shared memory says beforehand how far it may grow. */
export const MOST_PAGES = 65_536

/** The memory a module imports as `env.memory`, in pages of 65,536 bytes. */
export interface MemoryLimits {
  readonly pages?: number
  /** Needed where the memory is shared. */
  readonly max?: number
  readonly shared?: boolean
}

interface Signature {
  readonly params: readonly ValType[]
  readonly results: readonly ValType[]
}

/** A function as a module takes it: a `Func`. */
export interface Assembled extends Signature {
  readonly name: string
  /** Writes locals and instructions, behind their size, once all are there. */
  writeTo(out: Bytes): void
}

/** A module being assembled: functions over one imported memory. */
export class WasmModule {
  private readonly limits: MemoryLimits
  private readonly signatures: Map<string, number> = new Map()
  private readonly types: Bytes = new Bytes()
  private readonly imports: Bytes = new Bytes()
  private readonly exports: Bytes = new Bytes()
  private readonly names: Bytes = new Bytes()
  private readonly funcs: Assembled[] = []
  private imported = 0
  private exported = 0

  constructor(limits: MemoryLimits = {}) {
    this.limits = limits
  }

  /** Declares an import and answers its function index. @throws GraphError `import-after-function`. */
  importFunction(
    from: string,
    name: string,
    params: readonly ValType[],
    results: readonly ValType[] = [],
  ): number {
    if (this.funcs.length > 0)
      throw new GraphError(
        'import-after-function',
        'WasmModule.importFunction',
        `'${from}.${name}' comes after ${this.funcs.length} functions; imports have the lowest indices`,
      )
    this.imports.text(from).text(name).byte(0).unsigned(this.signature({ params, results }))
    this.names.unsigned(this.imported).text(`${from}.${name}`)
    return this.imported++
  }

  /** Adds a function and answers its index. Its instructions may still be appended until `build`. */
  add(func: Assembled, exportName?: string): number {
    const index = this.imported + this.funcs.push(func) - 1
    this.names.unsigned(index).text(func.name)
    if (exportName !== undefined) {
      this.exports.text(exportName).byte(0).unsigned(index)
      this.exported++
    }
    return index
  }

  /** The binary module. */
  build(): Uint8Array {
    const out = new Bytes().bytes([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])
    const signatures = new Bytes().unsigned(this.funcs.length)
    for (const func of this.funcs) signatures.unsigned(this.signature(func))
    const code = new Bytes().unsigned(this.funcs.length)
    for (const func of this.funcs) func.writeTo(code)
    const memory = new Bytes()
      .bytes(this.imports.view())
      .text('env')
      .text('memory')
      .bytes(this.memory().view())
    out.byte(1).sized(counted(this.signatures.size, this.types))
    out.byte(2).sized(counted(this.imported + 1, memory))
    out.byte(3).sized(signatures)
    out.byte(7).sized(counted(this.exported, this.exports))
    out.byte(10).sized(code)
    out.byte(0).sized(this.nameSection())
    return out.view().slice()
  }

  private signature({ params, results }: Signature): number {
    const key = `${params.join()}>${results.join()}`
    const known = this.signatures.get(key)
    if (known !== undefined) return known
    this.types.byte(0x60)
    for (const side of [params, results])
      this.types.unsigned(side.length).bytes(side.map(type => typeCodes[type]))
    this.signatures.set(key, this.signatures.size)
    return this.signatures.size - 1
  }

  private memory(): Bytes {
    const { pages = 1, max, shared = false } = this.limits
    const out = new Bytes()
      .byte(2)
      .byte((max === undefined ? 0 : 1) + (shared ? 2 : 0))
      .unsigned(pages)
    return max === undefined ? out : out.unsigned(max)
  }

  private nameSection(): Bytes {
    const functions = counted(this.imported + this.funcs.length, this.names)
    return new Bytes().text('name').byte(1).sized(functions)
  }
}

function counted(count: number, entries: Bytes): Bytes {
  return new Bytes().unsigned(count).bytes(entries.view())
}
