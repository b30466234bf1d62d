/**
 * Recurrent cells, unrolled in time, and who gets credit through it.
 *
 * @module @bptt/unroll
 */

export { type Adaptive, type AdaptiveOptions, adaptive } from './adaptive.js'
export { type Cell, type CellDeclaration, cell, type Sizes, type Step, zeroCarry } from './cell.js'
export { type AdvectionOptions, advectionDiffusion } from './cells/advection.js'
export { type BurgersOptions, burgers } from './cells/burgers.js'
export { type ElmanOptions, elman } from './cells/elman.js'
export { type FluidOptions, stableFluids } from './cells/fluids.js'
export { type FuzzySizes, neuroFuzzy } from './cells/fuzzy.js'
export { gru } from './cells/gru.js'
export { linearNet } from './cells/linear.js'
export { type LruOptions, lru } from './cells/lru.js'
export { type LstmOptions, lstm } from './cells/lstm.js'
export { minGru } from './cells/mingru.js'
export { type ReservoirOptions, reservoir, reservoirWeights } from './cells/reservoir.js'
export {
  type Action,
  type CheckpointPlan,
  checkpointEvery,
  leastAdvances,
  revolve,
  withinBytes,
} from './checkpoint/plan.js'
export {
  type Checkpointed,
  type CheckpointOptions,
  type CheckpointResult,
  checkpointed,
} from './checkpoint/run.js'
export { coin } from './coin.js'
export { combine } from './combine.js'
export { beside } from './compose/beside.js'
export { type BidirectionalOptions, bidirectional } from './compose/bidirectional.js'
export { type WithDropoutOptions, withDropout } from './compose/dropout.js'
export { withInit } from './compose/init.js'
export { residual } from './compose/residual.js'
export { learnCarry } from './compose/start.js'
export type { WindowModel, WindowOptions } from './compose/window.js'
export { stack, withEmbedding, withReadout } from './compose.js'
export { creditNorms } from './credit/norms.js'
export { clipCredit, clipCreditByNorm } from './credit/ops.js'
export type { Square } from './diagnose/dense.js'
export { type EstimatorRow, estimatorReport, type ReportOptions } from './diagnose/estimators.js'
export {
  lyapunov,
  type StepSpectrum,
  stateJacobians,
  stateSpectrum,
  type Trajectory,
} from './diagnose/jacobians.js'
export { type Batch, type LagNorms, type LagSizes, lagGraph, lagNorms } from './diagnose/lags.js'
export { type DiagramOptions, toDot, toMermaid } from './diagram.js'
export { localTraces, rtrl, snap } from './forward/index.js'
export { type ForwardOptions, influenceOf } from './forward/influence.js'
export { type UoroOptions, uoro, uoroInfluenceOf } from './forward/uoro.js'
export {
  constant,
  glorot,
  type Initialiser,
  normal,
  type OrthogonalOptions,
  orthogonal,
  uniform,
  zeros,
} from './initialise.js'
export { type Padded, padded } from './padding.js'
export { type Pattern, patternsOf } from './patterns.js'
export { type StateEdge, stateEdges, stepsOfValues } from './places.js'
export { lagsOf, type Window, type WindowPlan, type WindowSizes, windowPlan } from './plan.js'
export { print } from './print.js'
export {
  type CreditDocument,
  creditDocument,
  patchCredit,
  type Reweighted,
  type ReweightOptions,
  reweight,
} from './reweight.js'
export { type Run, type WindowResult, type WindowRunner, windowRunner } from './runner.js'
export {
  type ArtbpOptions,
  artbp,
  draw,
  type Edge,
  every,
  fixed,
  full,
  random,
  type Schedule,
  weightsOf,
} from './schedule.js'
export { type SplitStep, splitStep } from './split.js'
export type { Credit, StepPlace, Timeline, TimelineOptions } from './timeline.js'
export { fromTorch, type StateDict, type TorchNames, torchName, toTorch } from './torch.js'
export { unroll } from './unroll.js'
export { windows } from './windows.js'
