import { GraphError } from '@bptt/graph'
import type { Sample } from '../sample.js'
import { type HostedOptions, type HostedTrainer, hostedAt } from './hosted.js'
import type { Port } from './protocol.js'

/** What is used of a Worker, and of the scope inside one. */
export interface WorkerLike {
  /** Sends a message, and gives these buffers away with it. */
  postMessage(message: unknown, transfer: readonly ArrayBuffer[]): void
  /** Called with what the other side sends. */
  onmessage: ((event: { readonly data: never }) => void) | null
  /** Called where the worker fails or does not load. */
  onerror?: ((event: { readonly message?: string }) => void) | null
  /** Ends the worker. */
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
 * A trainer in a web worker. `module` is the URL, as seen from the page, of a module whose default export is the trainer's options, or a function from
 * `settings` to them: functions cannot be sent to another thread, modules can be loaded there.
 *
 * @throws GraphError what making the trainer throws there; `bad-module`, `worker-failed`.
 */
export function hosted<E = Sample>(
  module: string | { readonly href: string },
  { worker, ...options }: BrowserHostedOptions = {},
): Promise<HostedTrainer<E>> {
  const { location } = globalThis as Surroundings
  const { href } = typeof module === 'string' ? new URL(module, location?.href) : module
  return hostedAt(portOf(worker ?? start()), href, options)
}

interface Surroundings {
  readonly location?: { readonly href: string }
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
