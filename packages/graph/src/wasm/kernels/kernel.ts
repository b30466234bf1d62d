import type { Element, Func } from '../assembler.js'

/** What every kernel is made for. */
export interface Flavour {
  readonly type: Element
  /** Multiply and add in one rounding (`relaxed_madd`), where the engine has it. */
  readonly fma: boolean
}

/** A function that can be emitted: kernels with the same key are the same function. */
export interface Kernel {
  readonly key: string
  readonly emit: () => Func
}

/** How a kernel that calls others gets their function indices. */
export type IndexOf = (kernel: Kernel) => number

/** The columns of a panel: what a tile is wide. */
export function panelWidth(type: Element): number {
  return type === 'f32' ? 8 : 4
}

/** A kernel whose key and name spell its options: `dot f32 fma N=64 lda=32`. */
export function kernel(what: string, options: object, emit: () => Func): Kernel {
  const spelled = Object.entries(options).flatMap(([name, value]) => {
    if (typeof value === 'string') return [value]
    if (typeof value === 'boolean') return value ? [name] : []
    if (value === undefined) return []
    return [`${name}=${value}`]
  })
  const key = [what, ...spelled].join(' ')
  return {
    key,
    emit: () => {
      const func = emit()
      func.name = key
      return func
    },
  }
}
