import { describe, item, softmaxCrossEntropy, type Tensor } from '@bptt/graph'
import { unroll } from '@bptt/unroll'
import type { Context } from '../context.js'
import { compiledStep } from '../engines/ours.js'
import { median, quantile } from '../statistics.js'
import type { Finding } from '../table.js'
import { modelOf, workloads } from '../workloads.js'

const lengths = [10, 100, 1000, 10_000]
const small = workloads.find(({ name }) => name === 'W2')!

/** Cost and memory per time step of W2's net, by the length of the window. */
export function length(context: Context): boolean {
  const rows = lengths.map(row)
  const findings = rows.map((one, k): Finding => {
    const before = rows[k - 1]
    if (before === undefined) return one
    const more = one.us_per_step * one.steps - before.us_per_step * before.steps
    return { ...one, us_per_further_step: more / (one.steps - before.steps) }
  })
  context.reporter.report(
    'length',
    'LSTM 128 at batch 1 by the length of the window (one Adam update each)',
    findings,
  )
  context.reporter.report('length', 'Memory per time step', [
    {
      arena_bytes: (1000 * (rows.at(-1)!.memory_kb - rows[0]!.memory_kb)) / (lengths.at(-1)! - lengths[0]!),
      saved_bytes: savedBytes(),
      input_bytes: 4 * small.batch * (small.inputs + 1),
    },
  ])
  return true
}

/** What `describe` says that the gradient keeps for each step, in float32. */
function savedBytes(): number {
  const line = unroll(modelOf(small), { steps: 'T', batch: small.batch, loss: softmaxCrossEntropy })
  const of = (T: number): number => describe(line.graph, { T }).savedBytes ?? Number.NaN
  return (of(20) - of(10)) / 10 / 2
}

interface Row extends Finding {
  readonly steps: number
  readonly us_per_step: number
  readonly memory_kb: number
}

function row(steps: number): Row {
  const { program, first } = compiledStep({ ...small, steps }, 'portable')
  const loss = item((program.run(first as never) as { readonly loss: Tensor }).loss)
  const runs = Math.max(5, Math.round(20_000 / steps))
  for (let i = 0; i < Math.min(runs, 300); i++) program.step()
  const times = Array.from({ length: runs }, () => {
    const began = performance.now()
    program.step()
    return performance.now() - began
  })
  return {
    steps,
    us_per_step: (1000 * median(times)) / steps,
    min_us_per_step: (1000 * quantile(times, 0)) / steps,
    memory_kb: program.size().memory / 1000,
    loss,
  }
}
