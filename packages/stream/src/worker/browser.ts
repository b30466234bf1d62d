import { GraphError } from '@bptt/graph'
import type { Sample } from '../sample.js'
import { type HostedOptions, type HostedTrainer, hostedAt } from './hosted.js'
import type { Port } from './protocol.js'

/** What is used of a Worker, and of the scope inside one. */
export interface WorkerLike {
  postMessage(message: unknown, transfer: readonly ArrayBuffer[]): void
  onmessage: ((event: { readonly data: never }) => void) | null
  onerror?: ((event: { readonly message?: string }) => void) | null
  terminate?(): void
}

/** A worker as one end of a channel. */
export function portOf(worker: WorkerLike): Port {
  return {
    send: (message, transfer = []) => worker.postMessage(message, transfer),
    listen: (heard, failed) => {
      worker.onmessage = ({ data }) => heard(data)
      worker.onerror = ({ message = 'does not load' }) =>
        failed(new GraphError('worker-failed', 'worker', message))
    },
    close: () => worker.terminate?.(),
  }
}

/** How a browser starts the thread. */
export interface BrowserHostedOptions extends HostedOptions {
  /** A module worker that runs `@bptt/stream/worker/host`, where a bundler or a page makes its own. */
  readonly worker?: WorkerLike
}

/**
 * A trainer in a web worker. `module` is the URL of a module whose default export is the trainer's options, or a function from
 * `settings` to them: functions cannot be sent to another thread, modules can be loaded there.
 *
 * @throws GraphError what making the trainer throws there; `bad-module`, `worker-failed`.
 */
export function hosted<E = Sample>(
  module: string | URL,
  { worker, ...options }: BrowserHostedOptions = {},
): Promise<HostedTrainer<E>> {
  return hostedAt(portOf(worker ?? start()), String(module), options)
}

interface Surroundings {
  readonly Worker?: new (url: URL, options: { readonly type: 'module' }) => WorkerLike
}

function start(): WorkerLike {
  const { Worker } = globalThis as Surroundings
  if (Worker !== undefined) return new Worker(new URL('./host.js', import.meta.url), { type: 'module' })
  throw new GraphError(
    'worker-failed',
    'hosted',
    'there are no web workers here',
    "in Node, import hosted from '@bptt/stream/node'",
  )
}
