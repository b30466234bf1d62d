import type { OpSpec } from '../graph.js'
import { eluOp, gelu, leakyReluOp, normalCdf, relu, silu, softplus } from './activations.js'
import { add, div, mul, neg, sub } from './arithmetic.js'
import {
  abs,
  clamp,
  equal,
  floor,
  greater,
  greaterEqual,
  less,
  lessEqual,
  max,
  min,
  sign,
  where,
} from './compare.js'
import { contract } from './contract.js'
import { attenuate, gateOp } from './credit.js'
import { cos, exp, expm1, log, log1p, pow, rsqrt, sigmoid, sin, sqrt, square, tanh } from './functions.js'
import { gather, scatterAdd } from './gather.js'
import { concatSpec } from './join.js'
import { binaryCrossEntropyOp, huberOp, oneHot, softmaxCrossEntropy } from './loss.js'
import { uniform } from './random.js'
import { count, logSumExpOp, maxOverOp, normOp } from './reduce.js'
import { scanSpec } from './scan.js'
import { expand, flip, pad, permute, reshape, slice, sumTo } from './shape.js'
import { logSoftmaxOp, softmaxOp } from './softmax.js'
import { splitSpec } from './split.js'

const callables: readonly { readonly spec: OpSpec }[] = [
  add,
  sub,
  mul,
  div,
  neg,
  exp,
  expm1,
  log,
  log1p,
  sqrt,
  rsqrt,
  square,
  pow,
  sin,
  cos,
  abs,
  sign,
  floor,
  min,
  max,
  clamp,
  less,
  lessEqual,
  greater,
  greaterEqual,
  equal,
  where,
  tanh,
  sigmoid,
  relu,
  leakyReluOp,
  eluOp,
  normalCdf,
  gelu,
  silu,
  softplus,
  sumTo,
  count,
  maxOverOp,
  logSumExpOp,
  normOp,
  softmaxOp,
  logSoftmaxOp,
  contract,
  expand,
  reshape,
  permute,
  flip,
  slice,
  pad,
  gather,
  scatterAdd,
  oneHot,
  softmaxCrossEntropy,
  binaryCrossEntropyOp,
  huberOp,
  uniform,
  gateOp,
  attenuate,
]

/** Every op of this package, for tests and documentation; no transform reads it. */
export const ops: readonly OpSpec[] = [...callables.map(({ spec }) => spec), concatSpec, splitSpec, scanSpec]
