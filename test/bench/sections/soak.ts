import { type Report, type Sample, trainer } from '@bptt/stream'
import { artbp } from '@bptt/unroll'
import { Subject } from 'rxjs'
import type { Context } from '../context.js'
import type { Finding } from '../table.js'
import { events, tinyNet } from './stream.js'

const total = 1_000_000
const parts = 10

/** A million events through the operator, in windows of random length: heap and memory after every tenth. */
export function soak(context: Context): boolean {
  const source = new Subject<Sample>()
  let last: Report | undefined
  source.pipe(trainer({ ...tinyNet(), estimator: artbp({ mean: 16 }) }).train()).subscribe(report => {
    last = report
  })
  const given = events()
  const rows = Array.from({ length: parts }, (_, part): Finding => {
    const began = performance.now()
    for (let i = 0; i < total / parts; i++) source.next(given[i % given.length]!)
    const ms = performance.now() - began
    globalThis.gc?.()
    const { heapUsed, rss } = process.memoryUsage()
    context.reporter.progress(`soak ${part + 1}/${parts}`)
    return {
      events: ((part + 1) * total) / parts,
      us_per_event: (1000 * ms) / (total / parts),
      heap_mb: heapUsed / 2 ** 20,
      rss_mb: rss / 2 ** 20,
      loss: last?.loss ?? Number.NaN,
    }
  })
  context.reporter.report('soak', 'A million events through the operator', rows)
  return true
}
