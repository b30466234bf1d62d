/** The part of WebAssembly's JavaScript interface used here: this package loads neither DOM nor Node types. */
declare namespace WebAssembly {
  interface MemoryDescriptor {
    /** Pages of 65,536 bytes. */
    readonly initial: number
    readonly maximum?: number
    readonly shared?: boolean
  }

  class Memory {
    constructor(descriptor: MemoryDescriptor)
    readonly buffer: ArrayBuffer | SharedArrayBuffer
    /** Adds pages; answers the number of pages before. Throws a RangeError. */
    grow(pages: number): number
  }

  class Module {
    /** Throws a CompileError. */
    constructor(bytes: Uint8Array)
  }

  type Imports = Readonly<Record<string, Readonly<Record<string, unknown>>>>

  class Instance {
    /** Throws a LinkError. */
    constructor(module: Module, imports?: Imports)
    readonly exports: Readonly<Record<string, unknown>>
  }

  class CompileError extends Error {}
  class LinkError extends Error {}
  class RuntimeError extends Error {}

  function validate(bytes: Uint8Array): boolean
}

/** The clock of every engine the programs run on. */
declare const performance: {
  /** Milliseconds. */
  now(): number
}
