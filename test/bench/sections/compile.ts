import { compile } from '@bptt/graph'
import { lstm, stack, withReadout } from '@bptt/unroll'
import type { Context } from '../context.js'
import { trainingStep } from '../engines/ours.js'
import { median } from '../statistics.js'
import type { Finding } from '../table.js'
import { type Workload, workloads } from '../workloads.js'

const lengths = [10, 100, 1000, 10_000]
const small = workloads.find(({ name }) => name === 'W2')!
const model = withReadout(stack([lstm({ inputs: 64, hidden: 128 }), lstm({ inputs: 128, hidden: 128 })]), {
  outputs: 64,
})

/** Making the training step of a stacked two-layer LSTM, by the length it is first run with. */
export function compileTime(context: Context): boolean {
  const rows = [1, ...lengths].map((steps, k) => row({ ...small, steps }, k === 0))
  context.reporter.report('compile', 'Compiling two layers of LSTM 128 (bars: 30 ms, 60 kB)', rows)
  return true
}

function row(work: Workload, cold: boolean): Finding {
  const tries = Array.from({ length: cold ? 1 : 5 }, () => make(work))
  const of = (pick: (one: Made) => number): number => median(tries.map(pick))
  return {
    steps: work.steps,
    state: cold ? 'cold' : 'warm',
    graph_ms: of(({ graph }) => graph),
    compile_ms: of(({ compiled }) => compiled),
    module_kb: of(({ module }) => module) / 1000,
    memory_kb: of(({ memory }) => memory) / 1000,
  }
}

interface Made {
  readonly graph: number
  readonly compiled: number
  readonly module: number
  readonly memory: number
}

/** Building the graph and its derivative, then all passes, the plan and the module, without the arithmetic of a run. */
function make(work: Workload): Made {
  const began = performance.now()
  const { step, keep } = trainingStep(work, model, work.batch)
  const built = performance.now()
  const program = compile(step, { flavour: 'portable', keep })
  program.bind({ T: work.steps })
  return { graph: built - began, compiled: performance.now() - built, ...program.size() }
}
