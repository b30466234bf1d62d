/**
 * How to declare an op of one's own: `elementwise` for functions of numbers, `linearMap` for linear maps, `op` for
 * everything else. Rules are written in ops of `@bptt/graph`, and a declared op is as good as a built-in one.
 *
 * @module @bptt/graph/op
 */

export type { Attrs } from './attrs.js'
export { commonShape, type ElementwiseDeclaration, type ElementwiseOp, elementwise } from './elementwise.js'
export type { Emission, Layout } from './emission.js'
export type { Inner, Linearized, OpSpec, Pushed, Run, Samples, Trimmed, Visit } from './graph.js'
export type { Lane, Lanes, Mask } from './lanes.js'
export { type LinearDeclaration, linearMap, sumTo } from './linear.js'
export { type Elementwise, mapElements } from './map.js'
export {
  type At,
  type Binary,
  type Declared,
  type Keeping,
  type Op,
  type OpDeclaration,
  op,
  type Reshaping,
  type Unary,
} from './op.js'
export type { Home } from './ref.js'
export { type Bindings, sameShape, stridesOf } from './shape.js'
