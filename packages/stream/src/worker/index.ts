/**
 * A trainer in a worker of a browser.
 *
 * @module @bptt/stream/worker
 */

export type { BufferOptions, Overflow } from '../backlog.js'
export type { NotFinite } from '../finite.js'
export type { Sample } from '../sample.js'
export type { Schema, Snapshot } from '../state.js'
export type { Report } from '../update.js'
export { type BrowserHostedOptions, hosted, type WorkerLike } from './browser.js'
export type { HostedOptions, HostedTrainer, HostedTrainOptions } from './hosted.js'
