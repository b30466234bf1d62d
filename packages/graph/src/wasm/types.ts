/** A WebAssembly value type. */
export type ValType = 'i32' | 'f32' | 'f64' | 'v128'

/** An element type of vectors and matrices. */
export type Element = 'f32' | 'f64'

/** How the binary format writes a type. */
export const typeCodes: Readonly<Record<ValType, number>> = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b }

/** The bytes of an element. */
export const bytesOf = (type: Element): number => (type === 'f32' ? 4 : 8)
