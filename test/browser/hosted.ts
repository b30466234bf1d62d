// A trainer's options as a page gives them to a worker, and what a page finds out about one.

import { type Report, sgd, squaredError, trainer } from '@bptt/stream'
import { hosted, type WorkerLike } from '@bptt/stream/worker'
import { artbp, lstm, withReadout } from '@bptt/unroll'
import { from, lastValueFrom, toArray } from 'rxjs'

export const options = {
  model: withReadout(lstm({ inputs: 1, hidden: 5 }), { outputs: 1 }),
  loss: squaredError,
  estimator: artbp({ mean: 8, tail: 4, seed: 3 }),
  optimizer: sgd(0.05),
  seed: 7,
  flavour: 'portable' as const,
}

const events = Array.from({ length: 2000 }, (_, t) => ({
  input: [(t % 7) / 7],
  target: [((t + 1) % 7) / 7],
}))

interface Page {
  readonly Worker: new (url: string, options: { readonly type: 'module' }) => WorkerLike
}

/** Trains in a worker while the page counts its own turns. */
export async function inWorker(): Promise<{ readonly reports: readonly Report[]; readonly turns: number }> {
  const { Worker } = globalThis as unknown as Page
  const worker = new Worker('/resolved/packages/stream/dist/worker/host.js', { type: 'module' })
  const there = await hosted('/resolved/test/browser/hosted.ts', { worker })
  let turns = 0
  const timer = setInterval(() => turns++, 0)
  const reports = await lastValueFrom(from(events).pipe(there.train(), toArray()))
  clearInterval(timer)
  there.close()
  return { reports, turns }
}

/** The same in this thread. */
export function here(): Promise<readonly Report[]> {
  return lastValueFrom(from(events).pipe(trainer(options).train(), toArray()))
}
