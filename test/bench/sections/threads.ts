import { spawn } from 'node:child_process'
import type { Context } from '../context.js'
import { netRunner } from '../engines/ours.js'
import { measure } from '../measure.js'
import { median } from '../statistics.js'
import type { Finding } from '../table.js'
import { type Workload, workloads } from '../workloads.js'

const batched = workloads.filter(({ name }) => name === 'W3' || name === 'W4')

/** Two threads against one, in turns: with nothing else to do, and while another process keeps a core busy. */
export async function threads(context: Context): Promise<boolean> {
  const findings: Finding[] = []
  for (const work of batched) {
    context.reporter.progress(`${work.name} in one thread and two …`)
    findings.push(row(context, work, 'idle'))
    const stop = await busyCore()
    findings.push(row(context, work, 'one core busy'))
    stop()
  }
  context.reporter.report(
    'threads',
    'Two threads against one (bars: 1.7 idle, 0.9 with a core busy)',
    findings,
  )
  return findings.every(({ drift }) => Number(drift) < 1e-3)
}

function row({ options, flavours }: Context, work: Workload, other: string): Finding {
  const flavour = flavours.at(-1)!
  const [one, two] = measure(
    [1, 2].map(count => () => netRunner(work, flavour, count)),
    options,
  )
  const drifts = one!.losses.map((loss, i) => Math.abs(two!.losses[i]! - loss) / Math.abs(loss))
  return {
    workload: work.name,
    flavour,
    other,
    one_ms: median(one!.samples),
    two_ms: median(two!.samples),
    speed_up: median(one!.samples) / median(two!.samples),
    drift: Math.max(...drifts.filter(value => !Number.isNaN(value))),
  }
}

/** A process that computes without an end, until the function it answers with is called. */
async function busyCore(): Promise<() => void> {
  const child = spawn(process.execPath, ['-e', "process.stdout.write('.'); for (;;);"], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  await new Promise(resolve => child.stdout.once('data', resolve))
  return () => void child.kill('SIGKILL')
}
