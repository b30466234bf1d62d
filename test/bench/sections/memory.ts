import type { Context } from '../context.js'
import type { Finding } from '../table.js'
import { inChild } from './child.js'

/** Peak resident memory that three training steps add to a process, one process for each engine and workload. */
export function memory(context: Context): boolean {
  const { options, workloads, reporter } = context
  const findings = workloads.flatMap(({ name, slow = [] }) =>
    options.engines
      .filter(engine => options.slow || !slow.includes(engine))
      .map((engine): Finding => {
        reporter.progress(`memory of ${engine} on ${name} …`)
        return inChild(new URL('./memory-child.ts', import.meta.url), name, engine)
      }),
  )
  reporter.report(
    'memory',
    'Peak resident memory of three training steps, above that of the process',
    findings,
  )
  return true
}
