import { type Context, enginesOf, peakIn } from '../context.js'
import type { Engine } from '../engine.js'
import { measure, type Timing } from '../measure.js'
import { drift, median, quantile } from '../statistics.js'
import type { Finding } from '../table.js'
import { flopsOf, type Workload } from '../workloads.js'

/** Loss traces may be so far apart: float32, summed in another order, over ten updates. */
const tolerance = 2e-3

/** One training step of every workload in every engine. False where loss traces differ. */
export async function steps(context: Context): Promise<boolean> {
  const { options, reporter, workloads } = context
  const engines = await enginesOf(context)
  const findings: Finding[] = []
  for (const work of workloads) {
    const lanes = engines.filter(engine => !leftOut(engine, work, options.slow))
    for (const engine of engines.filter(one => !lanes.includes(one)))
      reporter.progress(`${work.name}: ${engine.name} is left out for being slow; --slow measures it`)
    reporter.progress(`${work.name} ${work.title}: ${lanes.map(label).join(', ')} …`)
    const timings = measure(
      lanes.map(engine => () => engine.prepare(work)),
      options,
    )
    findings.push(...rows(context, work, lanes, timings))
  }
  reporter.report('steps', 'One training step, one thread', findings)
  return conclude(context, findings)
}

function leftOut({ name }: Engine, { slow = [] }: Workload, wanted: boolean): boolean {
  return !wanted && slow.includes(name)
}

const label = ({ name, flavour }: Engine): string => (flavour === undefined ? name : `${name} ${flavour}`)

function rows(
  context: Context,
  work: Workload,
  lanes: readonly Engine[],
  timings: readonly Timing[],
): readonly Finding[] {
  const medians = timings.map(({ samples }) => median(samples))
  const of = (name: string): number | undefined => medians[lanes.findIndex(engine => engine.name === name)]
  return lanes.map((engine, k): Finding => {
    const { samples, losses, first } = timings[k]!
    const ms = medians[k]!
    const ratio = (name: string): number | undefined => (of(name) === undefined ? undefined : of(name)! / ms)
    return {
      workload: work.name,
      engine: engine.name,
      flavour: engine.flavour ?? '',
      median_ms: ms,
      min_ms: quantile(samples, 0),
      samples: samples.length,
      first_ms: first,
      ...(engine.name === 'ours' && speed(context, work, engine.flavour!, ms)),
      ...given('times_jax', ratio('jax')),
      ...(engine.name === 'ours' && of('jax') !== undefined && { bar: work.bar }),
      ...given('times_tfjs', ratio('tfjs')),
      loss: losses[0]!,
      drift: drift(timings[0]!.losses, losses),
    }
  })
}

const given = (name: string, value: number | undefined): Finding =>
  value === undefined ? {} : { [name]: value }

function speed(context: Context, work: Workload, flavour: 'portable' | 'fast', ms: number): Finding {
  const gflops = flopsOf(work) / ms / 1e6
  return { gflops, peak_share: gflops / peakIn(context, flavour) }
}

function conclude({ options, reporter }: Context, findings: readonly Finding[]): boolean {
  const worst = Math.max(...findings.map(({ drift: value }) => (Number.isNaN(value) ? 1 : Number(value))))
  const agree = worst <= tolerance
  if (!options.json)
    reporter.report(
      '',
      `Loss traces ${agree ? 'agree' : 'DIFFER'}: largest relative distance ${worst.toExponential(1)}`,
      [],
    )
  return agree
}
