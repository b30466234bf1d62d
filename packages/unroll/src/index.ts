export { type Cell, type CellDeclaration, cell, type Sizes, type Step, zeroCarry } from './cell.js'
export { elman } from './cells/elman.js'
export { gru } from './cells/gru.js'
export { linearNet } from './cells/linear.js'
export { lstm } from './cells/lstm.js'
export { coin } from './coin.js'
export { stack, withEmbedding, withReadout } from './compose.js'
export { clipCredit } from './credit/ops.js'
export { type DiagramOptions, toDot, toMermaid } from './diagram.js'
export { glorot, type Initialiser, uniform, zeros } from './initialise.js'
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
export type { Credit, Timeline, TimelineOptions } from './timeline.js'
export { torchName } from './torch.js'
export { unroll } from './unroll.js'
export { windows } from './windows.js'
