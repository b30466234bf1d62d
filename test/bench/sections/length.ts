import { describe, item, type Program, softmaxCrossEntropy, type Tensor } from '@bptt/graph'
import { unroll } from '@bptt/unroll'
import type { Context } from '../context.js'
import { compiledStep } from '../engines/ours.js'
import { quantile } from '../statistics.js'
import type { Finding } from '../table.js'
import { modelOf, workloads } from '../workloads.js'

const lengths = [10, 100, 1000, 10_000]
const small = workloads.find(({ name }) => name === 'W2')!

/** Cost and memory per time step of W2's net, by the length of the window. */
export function length(context: Context): boolean {
  const rows = measured(lengths.map(start))
  const findings = rows.map((one, k): Finding => {
    const before = rows[k - 1]
    if (before === undefined) return one
    const more = one.us_per_step * one.steps - before.us_per_step * before.steps
    return { ...one, us_per_further_step: more / (one.steps - before.steps) }
  })
  context.reporter.report(
    'length',
    'LSTM 128 at batch 1 by the length of the window (one Adam update each; bar: further steps cost the same within 10 %)',
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

interface Length {
  readonly steps: number
  readonly program: Program
  readonly loss: number
  /** Milliseconds of a run. */
  readonly times: number[]
}

function start(steps: number): Length {
  const { program, first } = compiledStep({ ...small, steps }, 'portable')
  const loss = item((program.run(first as never) as { readonly loss: Tensor }).loss)
  return { steps, program, loss, times: [] }
}

/** Time steps that every length does in a round; the first rounds warm up. */
const round = lengths.at(-1)!
const rounds = { warm: 2, all: 22 }

/** All lengths in turns, so that what disturbs the machine disturbs all of them. */
function measured(programs: readonly Length[]): readonly Row[] {
  for (let k = 0; k < rounds.all; k++)
    for (const { steps, program, times } of programs)
      for (let i = 0; i < round / steps; i++) {
        const began = performance.now()
        program.step()
        if (k >= rounds.warm) times.push(performance.now() - began)
      }
  return programs.map(({ steps, program, loss, times }) => ({
    steps,
    us_per_step: (1000 * quantile(times, 0.25)) / steps,
    min_us_per_step: (1000 * quantile(times, 0)) / steps,
    memory_kb: program.size().memory / 1000,
    loss,
  }))
}
