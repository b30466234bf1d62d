import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Context } from '../context.js'
import { median, quantile } from '../statistics.js'

const child = fileURLToPath(new URL('./latency.mjs', import.meta.url))

/** From the start of a process to its first update, and what it holds then: a trainer of W2's net, 50 events. */
export function latency(context: Context): boolean {
  const runs = Array.from(
    { length: 7 },
    () =>
      JSON.parse(execFileSync(process.execPath, [child], { encoding: 'utf8' })) as {
        readonly loaded: number
        readonly first: number
        readonly rss: number
      },
  )
  const of = (pick: (run: (typeof runs)[number]) => number): number[] => runs.map(pick)
  context.reporter.report('latency', 'From process start to the first update (LSTM 128, 50 events)', [
    {
      loaded_ms: median(of(run => run.loaded)),
      first_step_ms: median(of(run => run.first)),
      min_first_step_ms: quantile(
        of(run => run.first),
        0,
      ),
      peak_rss_mb: median(of(run => run.rss)),
    },
  ])
  return true
}
