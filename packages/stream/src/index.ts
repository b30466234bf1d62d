/**
 * Online training as a fold over a stream: trainers, estimators, optimisers, metrics.
 *
 * @module @bptt/stream
 */

// Learn from a stream.

export { halfSquaredError, type Loss, softmaxCrossEntropy, squaredError } from '@bptt/graph'
export {
  type KeyedOptions,
  type KeyedReport,
  type KeyedSample,
  type KeyedTrainer,
  keyed,
} from './keyed.js'
export { nextStep } from './next.js'
export { type Predictor, predictor } from './predictor.js'
export { type Trainer, type TrainerOptions, trainer } from './trainer.js'
export { type WindowsOptions, windows } from './windows.js'

// How gradients are made of it.

export { type AdaptiveSettings, adaptive } from './estimators/adaptive.js'
export { bptt } from './estimators/bptt.js'
export { type ForwardSettings, rtrl, snap, uoro } from './estimators/forward.js'

// How they become steps.

export { accumulate } from './optimisers/accumulate.js'
export { type AdagradOptions, adagrad } from './optimisers/adagrad.js'
export { type AdamOptions, adam, adamw } from './optimisers/adam.js'
export { chain } from './optimisers/chain.js'
export { clipByGlobalNorm, clipByValue, globalNorm } from './optimisers/clip.js'
export { averaged, ema } from './optimisers/ema.js'
export { freeze } from './optimisers/freeze.js'
export { groups } from './optimisers/groups.js'
export { type LionOptions, lion } from './optimisers/lion.js'
export { type Rate, type RateSchedule, rateAt } from './optimisers/rate.js'
export { cosineDecay, exponentialDecay, inverseSqrt, stepDecay, warmUp } from './optimisers/rates.js'
export { type RmspropOptions, rmsprop } from './optimisers/rmsprop.js'
export { type SgdOptions, sgd } from './optimisers/sgd.js'

// How it goes.

export { type TextBaselines, textBaselines } from './baselines.js'
export { accuracy, type Guess } from './metrics/accuracy.js'
export { type Average, averageOf } from './metrics/average.js'
export { type Cost, cost, stepCost } from './metrics/cost.js'
export { each } from './metrics/each.js'
export { type Forecast, meanAbsoluteError, rootMeanSquaredError } from './metrics/errors.js'
export { type EwmaState, ewma } from './metrics/ewma.js'
export { clipRate, gradientNorm, type SeenClip, type SeenNorm } from './metrics/gradients.js'
export { bitsPerCharacter, prequentialLoss, type SeenLoss } from './metrics/loss.js'
export { type MeanState, mean } from './metrics/mean.js'
export type { Metric } from './metrics/metric.js'
export { type MetricRecord, metrics, type SeenBy, type StatesOf, type ValuesOf } from './metrics/metrics.js'
export { type SegmentLengths, type SegmentState, segmentLengths } from './metrics/segments.js'
export { eventsPerSecond, type Timed, timed } from './metrics/speed.js'
export { type Tracker, tracker } from './metrics/tracker.js'
export { type WindowedState, windowed } from './metrics/windowed.js'

// Around it: fast producers, text, tensors in files, graphs that react.

export type { BufferOptions, Overflow } from './backlog.js'
export { type BufferedOptions, buffered, type Counted } from './buffered.js'
export { type Driver, type FromGraphOptions, fromGraph, type Observed } from './from-graph.js'
export {
  decodeSafetensors,
  encodeSafetensors,
  type Safetensors,
  type SafetensorsOptions,
} from './safetensors.js'
export { type Alphabet, alphabetOf, decodeText, encodeText } from './text.js'

// What these take and give.

export type { Asked, Evaluated, Predicted, Question, With } from './evaluation.js'
export type { NotFinite } from './finite.js'
export type { GuardOptions } from './guard.js'
export type { KeyedSnapshot, KeyedStream } from './keyed/state.js'
export type { StreamStore } from './keyed/streams.js'
export type { Engine } from './learner.js'
export type { Sample } from './sample.js'
export type { Counters, Kept, Schema, Snapshot, TrainState, Values } from './state.js'
export type { Report, UpdateRule } from './update.js'

// Parts to build one's own from.

export type { Estimator, Given, Gradient, Method, Probe, Site } from './estimator.js'
export type { Optimizer, Reports, Update, UpdateSite } from './optimiser.js'
export type { PaceOptions } from './paced.js'
export type { Changed } from './restore.js'
export type { Rooms } from './rooms.js'
export { type StepOptions, type StepOutputs, stepGraph } from './step.js'
export type { CutEdge, Cuts, Cutting, Notes, Open, Segment, Window } from './window.js'
