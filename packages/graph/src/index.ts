export type { Attrs } from './attrs.js'
export { GraphError } from './error.js'
export { evaluate, type Values } from './evaluate.js'
export { gradient, type Slope, valueAndGradient } from './gradient.js'
export type { Graph, Node, Port, Tensors } from './graph.js'
export { add, div, mul, neg, sub } from './ops/arithmetic.js'
export { contract } from './ops/contract.js'
export { gate, stopGradient } from './ops/credit.js'
export { exp, log, min, pow, sigmoid, sqrt, square, tanh, where } from './ops/functions.js'
export { gather } from './ops/gather.js'
export { concat, stack } from './ops/join.js'
export {
  halfSquaredError,
  type Loss,
  oneHot,
  softmax,
  softmaxCrossEntropy,
  squaredError,
} from './ops/loss.js'
export { dot, linear, matmul, outer } from './ops/matrix.js'
export { mean, type ReduceOptions, sum } from './ops/reduce.js'
export { type ScanOptions, scan } from './ops/scan.js'
export { expand, index, permute, reshape, slice, split, transpose } from './ops/shape.js'
export { print } from './print.js'
export { prune } from './prune.js'
export { isRef, Ref, type Term } from './ref.js'
export { type Dim, type Shape, showShape, sizeOf } from './shape.js'
export { tangent } from './tangent.js'
export { filled, isTensor, item, type Nested, nested, type Tensor, tensor } from './tensor.js'
export { graph, inline, isShape, type Refs } from './trace.js'
export { grow, type Leaf, leaves, mapTree, type Tree } from './tree.js'
