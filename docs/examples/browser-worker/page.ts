import type { Sample } from '@bptt/stream'
import { mackeyGlass } from '@bptt/stream/sources'
import { hosted, type WorkerLike } from '@bptt/stream/worker'
import { lastValueFrom, tap } from 'rxjs'

/** Each value of a chaotic series, and the one after it. */
function* events(count: number): Generator<Sample> {
  const values = mackeyGlass().take(count + 1)
  for (let t = 0; t < count; t++) yield { input: values[t]!, target: values[t + 1]! }
}

/**
 * Trains in a worker and says how it goes, while the page stays free for its visitor.
 * @param worker runs `@bptt/stream/worker/host`
 * @param module where the worker finds `options.ts`
 * @param show gets a line of text whenever something was learned
 */
export async function trainHere(
  worker: WorkerLike,
  module: string | URL,
  show: (text: string) => void,
): Promise<void> {
  const online = await hosted(module, { worker, settings: { hidden: 16 } })
  const reports = online.trainOn(events(10_000)) // read as the worker is ready for them: nothing piles up
  await lastValueFrom(
    reports.pipe(tap(({ events, loss }) => show(`${events} values learned from, loss ${loss.toFixed(5)}`))),
  )
  online.close()
}
