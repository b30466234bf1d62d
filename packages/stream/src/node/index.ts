/**
 * What needs Node: files, snapshots on disk, a trainer in a thread of its own.
 *
 * @module @bptt/stream/node
 */

export type { BufferOptions, Overflow } from '../backlog.js'
export type { NotFinite } from '../finite.js'
export type { KeyedSnapshot, KeyedStream } from '../keyed/state.js'
export type { StreamStore } from '../keyed/streams.js'
export type { MeanState } from '../metrics/mean.js'
export type { Sample } from '../sample.js'
export type { Scalars } from '../sinks/tensorboard.js'
export type { Counters, Kept, Schema, Snapshot, TrainState, Values } from '../state.js'
export type { Report } from '../update.js'
export type { Cutting, Open } from '../window.js'
export type { HostedOptions, HostedTrainer, HostedTrainOptions } from '../worker/hosted.js'
export { type CheckpointOptions, checkpoint, type Keeper } from './checkpoint.js'
export { readBytes, type WriteOptions, writeAtomic } from './files.js'
export { hosted } from './hosted.js'
export { type LoadedKeyed, loadKeyed, saveKeyed } from './keyed.js'
export { type Loaded, load, save } from './model.js'
export { packageText } from './package.js'
export { jsonl, tensorBoard } from './sinks.js'
export { type FileSource, fileSource } from './source.js'
export { fileStore } from './store.js'
export { readText } from './text.js'
