import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Context } from '../context.js'
import type { Finding } from '../table.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Peak resident memory that three training steps add to a process, one process for each engine and workload. */
export function memory(context: Context): boolean {
  const { options, workloads, reporter } = context
  const findings = workloads.flatMap(({ name, slow = [] }) =>
    options.engines
      .filter(engine => options.slow || !slow.includes(engine))
      .map((engine): Finding => {
        reporter.progress(`memory of ${engine} on ${name} …`)
        return JSON.parse(run(name, engine)) as Finding
      }),
  )
  reporter.report(
    'memory',
    'Peak resident memory of three training steps, above that of the process',
    findings,
  )
  return true
}

function run(workload: string, engine: string): string {
  const script = fileURLToPath(new URL('./memory-child.ts', import.meta.url))
  const hooks = fileURLToPath(new URL('../../../.house/hooks.mjs', import.meta.url))
  const args = ['--expose-gc', '--import', hooks, script, workload, engine]
  return execFileSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
}
