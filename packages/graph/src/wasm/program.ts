import type { Values } from '../evaluate.js'
import type { NonFinite } from '../finite.js'
import type { Tensors } from '../graph.js'
import type { Tensor } from '../tensor.js'
import type { Elements } from './machine.js'

/** How a program is compiled. */
export interface CompileOptions {
  /** Element type: float32 for training (the default), float64 for checking. */
  readonly dtype?: 'float32' | 'float64'
  /** `fast` uses fused multiply-add where the engine has it; `portable` gives the same bits on every engine. */
  readonly flavour?: 'fast' | 'portable'
  /**
   * Resident state: output name → input name. After a run the input holds the output's value, in the program's
   * memory; it need not be given again.
   */
  readonly keep?: Readonly<Record<string, string>>
  /** Measures every kernel, for `profile`; slower. */
  readonly trace?: boolean
  /**
   * Threads that share the rows of the batch, each step; 1 where not given. The same result as with one to rounding, and the
   * same bits every time. The caller's thread is one of them and waits for the others.
   */
  readonly threads?: number
  /** The axis that threads split: needed where more than one named axis of the inputs could be the batch. */
  readonly batch?: string
}

/** How long a kernel took. */
export interface KernelTime {
  /** What it computes: the ops fused in it, or a product's kernel and size (rows × summed × columns). */
  readonly name: string
  /** Times it ran. */
  readonly calls: number
  /** Milliseconds in all. */
  readonly ms: number
}

/** What a kernel of a program costs in one run. */
export interface KernelCost {
  /** As in `profile`. */
  readonly name: string
  /** Times it runs: once per step in a loop. */
  readonly calls: number
  /** Floating-point operations of all its calls; a call out to JavaScript counts none. */
  readonly flops: number
  /** Bytes its calls read and write. */
  readonly bytes: number
}

/** What a program does and holds, for some lengths. */
export interface ProgramDescription {
  /** In the order they run. */
  readonly kernels: readonly KernelCost[]
  /** Floating-point operations of one run. */
  readonly flops: number
  /** Bytes of memory: those that `size` gives for a program bound to these lengths. */
  readonly memory: number
  /** Bytes of the module. */
  readonly module: number
  readonly text: string
}

/** How a program runs. */
export interface RunOptions {
  /** False leaves resident inputs as they were, until `commit`. */
  readonly commit?: boolean
}

/** A compiled graph. Same meaning as `evaluate`, in WebAssembly. */
export interface Program<Out = unknown> {
  /** Runs on these values; resident inputs that are left out keep theirs. Outputs that are kept are not returned. */
  readonly run: (values: Values, options?: RunOptions) => Tensors<Out>
  /** After a run that did not: gives the resident inputs their next values, once. */
  readonly commit: () => void
  /** A copy of an input's value as it lies in the program: of a resident input, the newest. */
  readonly read: (input: string) => Tensor
  /** A copy of the value that the last run made for a resident input and that has not been committed. */
  readonly next: (input: string) => Tensor
  /** Lays memory out for these lengths of the named axes. */
  readonly bind: (lengths: Readonly<Record<string, number>>) => void
  /** The memory of an input or output for the lengths bound now, to write and read in place; valid until lengths change or, where it is of resident state, a run is committed. */
  readonly view: (name: string) => Elements
  /** Runs on what lies in the inputs, and commits unless told otherwise. Allocates nothing. */
  readonly step: (options?: RunOptions) => void
  /** What the program does, for the lengths last used: a line per kernel in the order they run. */
  readonly plan: () => string
  /**
   * Kernels, flops and bytes of one run, as data and as text: for the lengths bound now, or, without binding them, for others of
   * the axes that loops run along.
   */
  readonly describe: (lengths?: Readonly<Record<string, number>>) => ProgramDescription
  /**
   * Computes a run again in JavaScript, node by node, rounded to the program's element type, and finds the first number that is not
   * finite, with its step. It reads what lies in the inputs, and `values` in place of some: after a run that was not committed, that run.
   * @throws GraphError `missing-input` where an input holds nothing.
   */
  readonly checkFinite: (values?: Values) => NonFinite | undefined
  /** Time per kernel since the program was made, the slowest first; empty unless compiled with `trace`. */
  readonly profile: () => readonly KernelTime[]
  /** Bytes of the module and of its memory, for the lengths last used. */
  readonly size: () => { readonly module: number; readonly memory: number }
}
