import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { GraphError } from '@bptt/graph'
import type { Sample } from '../sample.js'
import { type HostedOptions, type HostedTrainer, hostedAt } from '../worker/hosted.js'
import type { Port } from '../worker/protocol.js'

/**
 * A trainer in a worker thread. `module` is the path or URL of a module whose default export is the trainer's options, or a function
 * from `settings` to them: functions cannot be sent to another thread, modules can be loaded there. The thread does not keep the process
 * alive while it has nothing to do.
 *
 * @throws GraphError what making the trainer throws there; `bad-module`, `worker-failed`.
 */
export function hosted<E = Sample>(
  module: string | URL,
  options: HostedOptions = {},
): Promise<HostedTrainer<E>> {
  const url = module instanceof URL || module.includes('://') ? String(module) : pathToFileURL(module).href
  return hostedAt(portOf(new Worker(new URL('./host.js', import.meta.url))), url, options)
}

function portOf(worker: Worker): Port {
  const failed = (error: unknown): GraphError =>
    new GraphError('worker-failed', 'worker', error instanceof Error ? error.message : String(error))
  return {
    send: (message, transfer = []) => worker.postMessage(message, [...transfer]),
    listen: (heard, fail) => {
      worker.on('message', message => heard(message as never))
      worker.on('error', error => fail(failed(error)))
      worker.on('exit', code => fail(failed(`ended with code ${code}`)))
    },
    close: () => void worker.terminate(),
    hold: awaited => (awaited ? worker.ref() : worker.unref()),
  }
}
