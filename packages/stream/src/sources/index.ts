/**
 * Where events come from: CSV, NDJSON, text, sockets, and series and tasks that are made up.
 *
 * @module @bptt/stream/sources
 */

export type { Chunk, Named, Readable, Source } from './chunks.js'
export { type CsvOptions, csv } from './csv.js'
export { type LorenzOptions, lorenz, type Point } from './generators/lorenz.js'
export { type MackeyGlassOptions, mackeyGlass } from './generators/mackey-glass.js'
export type { Sequence } from './generators/sequence.js'
export {
  type BalancingOptions,
  influenceBalancing,
  type NoiseOptions,
  narma10,
  type RegimeOptions,
  regimeChange,
  sines,
  type Wave,
} from './generators/signals.js'
export {
  type AddingOptions,
  addingTask,
  type CopyOptions,
  type CountingOptions,
  copyTask,
  countingTask,
} from './generators/tasks.js'
export type { CategoryColumn, Column, ListColumn, Mapping } from './mapping.js'
export {
  type Moments,
  mergeMoments,
  noMoments,
  observe,
  type StandardizeOptions,
  type Standardizer,
  standardizer,
  variances,
} from './moments.js'
export { ndjson, toEvents } from './ndjson.js'
export type { RecordOptions } from './skip.js'
export {
  type EventSourceLike,
  type EventSourceOptions,
  type MessageLike,
  type MessageOptions,
  type SocketLike,
  serverSentEvents,
  type WebSocketOptions,
  webSocket,
} from './socket.js'
export { bytes, codePoints } from './text.js'
