/**
 * Build graphs from ops, differentiate them into graphs, and run them.
 *
 * @module @bptt/graph
 */

// What a graph is made of: values, shapes, names.

export type { Attrs } from './attrs.js'
export { GraphError } from './error.js'
export type { ApplyNode, ConstantNode, Graph, InputNode, Node, Port, Tensors } from './graph.js'
export { isRef, Ref, type Term } from './ref.js'
export { type Dim, type Shape, showShape, sizeOf } from './shape.js'
export { filled, isTensor, item, type Nested, nested, type Tensor, tensor } from './tensor.js'
export { graph, inline, isShape, type Refs } from './trace.js'
export { grow, type Leaf, leaves, mapTree, type Tree } from './tree.js'

// What is done with a graph.

export { evaluate, inputTensors, type Values } from './evaluate.js'
export { gradient, type Slope, valueAndGradient } from './gradient.js'
export { type HessianProduct, hessianVectorProduct } from './hessian.js'
export { print } from './print.js'
export { prune } from './prune.js'
export { disconnected, type Pull, type Pullback, vjp } from './vjp.js'
export { compile } from './wasm/compile.js'
export type { Elements } from './wasm/machine.js'
export type {
  CompileOptions,
  KernelCost,
  KernelTime,
  Program,
  ProgramDescription,
  RunOptions,
} from './wasm/program.js'

// What is read off a graph, changed in it, and followed while it changes.

export { check } from './check.js'
export type { OpCost } from './describe/book.js'
export { type Description, describe, type Parameter } from './describe.js'
export { toDot } from './draw/dot.js'
export { toMermaid } from './draw/mermaid.js'
export type { DrawOptions } from './draw/outline.js'
export type {
  DocumentApply,
  DocumentConstant,
  DocumentInput,
  DocumentNode,
  DocumentPort,
  GraphDocument,
} from './edit/document.js'
export { applyPatches, type Edited, type EditOptions, edit } from './edit.js'
export { checkFinite, type FiniteOptions, type NonFinite } from './finite.js'
export { type Live, live } from './live.js'
export { type ParseOptions, parse } from './parse.js'
export { share } from './rewrite/share.js'
export { type Substitute, substitute } from './rewrite/substitute.js'
export { type Tangent, tangent } from './tangent.js'

// Ops: arithmetic and functions of numbers, element by element.

export { elu, gelu, leakyRelu, normalCdf, relu, silu, softplus } from './ops/activations.js'
export { add, div, mul, neg, sub } from './ops/arithmetic.js'
export {
  abs,
  clamp,
  equal,
  floor,
  greater,
  greaterEqual,
  type Interval,
  less,
  lessEqual,
  max,
  min,
  sign,
  where,
} from './ops/compare.js'
export { cos, exp, expm1, log, log1p, pow, rsqrt, sigmoid, sin, sqrt, square, tanh } from './ops/functions.js'

// Ops: reductions and what is normalised by them.

export type { Axes, ReduceOptions } from './ops/axes.js'
export { type LayerNormOptions, layerNorm } from './ops/normalize.js'
export {
  count,
  logSumExp,
  maxOver,
  mean,
  minOver,
  norm,
  sum,
  type VarianceOptions,
  variance,
} from './ops/reduce.js'
export { logSoftmax, type SoftmaxOptions, softmax } from './ops/softmax.js'

// Ops: products.

export { type ContractAttrs, contract } from './ops/contract.js'
export { einsum } from './ops/einsum.js'
export { dot, linear, matmul, outer } from './ops/matrix.js'

// Ops: shapes and places.

export { gather, scatterAdd } from './ops/gather.js'
export { concat, type JoinOptions, stack } from './ops/join.js'
export {
  expand,
  flip,
  index,
  type PadAttrs,
  type PermuteAttrs,
  pad,
  permute,
  reshape,
  type SliceAttrs,
  slice,
  transpose,
} from './ops/shape.js'
export { type SplitOptions, split } from './ops/split.js'

// Ops: losses.

export {
  binaryCrossEntropyWithLogits,
  halfSquaredError,
  huber,
  type Loss,
  oneHot,
  softmaxCrossEntropy,
  squaredError,
} from './ops/loss.js'

// Ops: credit, chance and loops.

export { gate, stopGradient } from './ops/credit.js'
export { type DropoutOptions, dropout, uniform } from './ops/random.js'
export { type Carried, type ScanOptions, type Stacked, type Steps, scan } from './ops/scan.js'

// Shapes as the type checker knows them.

export type {
  Broadcast,
  Chains,
  Fed,
  Feeds,
  Joined,
  Outer,
  Parts,
  Product,
  ShapeOf,
  Sliced,
  Transposed,
} from './typed.js'
