export { type Cell, type CellDeclaration, cell, type Sizes, type Step, zeroCarry } from './cell.js'
export { elman } from './cells/elman.js'
export { gru } from './cells/gru.js'
export { linearNet } from './cells/linear.js'
export { lstm } from './cells/lstm.js'
export { coin } from './coin.js'
export { stack, withEmbedding, withReadout } from './compose.js'
export { glorot, type Initialiser, uniform, zeros } from './initialise.js'
export { reweight } from './reweight.js'
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
export { type Credit, print, type Timeline, type TimelineOptions } from './timeline.js'
export { torchName } from './torch.js'
export { unroll } from './unroll.js'
