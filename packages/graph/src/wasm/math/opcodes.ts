const f32 = {
  abs: 0xe0,
  neg: 0xe1,
  sqrt: 0xe3,
  floor: 0x68,
  add: 0xe4,
  sub: 0xe5,
  mul: 0xe6,
  div: 0xe7,
  min: 0xe8,
  max: 0xe9,
  pmin: 0xea,
  pmax: 0xeb,
  eq: 0x41,
  lt: 0x43,
  le: 0x45,
  mulAdd: 0x105,
  mulSub: 0x106,
  shl: 0xab,
  shr: 0xad,
  intAdd: 0xae,
  intSub: 0xb1,
}

const f64: typeof f32 = {
  abs: 0xec,
  neg: 0xed,
  sqrt: 0xef,
  floor: 0x75,
  add: 0xf0,
  sub: 0xf1,
  mul: 0xf2,
  div: 0xf3,
  min: 0xf4,
  max: 0xf5,
  pmin: 0xf6,
  pmax: 0xf7,
  eq: 0x47,
  lt: 0x49,
  le: 0x4b,
  mulAdd: 0x107,
  mulSub: 0x108,
  shl: 0xcb,
  shr: 0xcd,
  intAdd: 0xce,
  intSub: 0xd1,
}

interface Opcodes {
  readonly f32: Readonly<typeof f32>
  readonly f64: Readonly<typeof f32>
  readonly and: number
  readonly andNot: number
  readonly or: number
  readonly bitselect: number
}

/**
 * Vector instructions by element type, as numbers behind the prefix 0xfd: f32x4 with i32x4, f64x2 with i64x2
 * (WebAssembly SIMD; `mulAdd` and `mulSub` are the relaxed madd and nmadd). Shifts to the right bring in zeros.
 */
export const opcodes: Opcodes = { f32, f64, and: 0x4e, andNot: 0x4f, or: 0x50, bitselect: 0x52 }
