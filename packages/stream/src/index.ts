export { halfSquaredError, type Loss, softmaxCrossEntropy, squaredError } from '@bptt/graph'
export type { BufferOptions, Overflow } from './backlog.js'
export { type TextBaselines, textBaselines } from './baselines.js'
export { type BufferedOptions, buffered, type Counted } from './buffered.js'
export { type FromGraphOptions, fromGraph, type Observed } from './from-graph.js'
export type { Engine } from './learner.js'
export { type EwmaState, ewma, type MeanState, type Metric, mean } from './metric.js'
export { nextStep } from './next.js'
export type { Optimizer, Update, UpdateSite } from './optimiser.js'
export { type AdamOptions, adam, adamw } from './optimisers/adam.js'
export { chain } from './optimisers/chain.js'
export { clipByGlobalNorm, globalNorm } from './optimisers/clip.js'
export { type SgdOptions, sgd } from './optimisers/sgd.js'
export { type Predictor, predictor } from './predictor.js'
export {
  decodeSafetensors,
  encodeSafetensors,
  type Safetensors,
  type SafetensorsOptions,
} from './safetensors.js'
export type { Sample } from './sample.js'
export type { Counters, Snapshot, TrainState } from './state.js'
export { type StepOptions, type StepOutputs, stepGraph } from './step.js'
export { type Alphabet, alphabetOf, decodeText, encodeText } from './text.js'
export { type Trainer, type TrainerOptions, trainer } from './trainer.js'
export type { Report, UpdateRule } from './update.js'
export { Cutter, type Cutting, type Window } from './window.js'
