export { type BrowserHostedOptions, hosted, type WorkerLike } from './browser.js'
export type { HostedOptions, HostedTrainer, HostedTrainOptions } from './hosted.js'
