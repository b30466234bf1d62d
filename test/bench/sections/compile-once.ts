import { compile } from '@bptt/graph'
import { lstm, stack, withReadout } from '@bptt/unroll'
import { trainingStep } from '../engines/ours.js'
import { workloads } from '../workloads.js'

const small = workloads.find(({ name }) => name === 'W2')!
const model = withReadout(stack([lstm({ inputs: 64, hidden: 128 }), lstm({ inputs: 128, hidden: 128 })]), {
  outputs: 64,
})

/** Milliseconds and bytes that one program took. */
export interface Made {
  readonly graph_ms: number
  readonly compile_ms: number
  readonly module_kb: number
  readonly memory_kb: number
}

/** The training step of two layers of LSTM: its graph and derivative, then all passes, the plan and the module, without the arithmetic of a run. */
export function compileOnce(steps: number): Made {
  const began = performance.now()
  const { step, keep } = trainingStep({ ...small, steps }, model, small.batch)
  const built = performance.now()
  const program = compile(step, { flavour: 'portable', keep })
  program.bind({ T: steps })
  const compile_ms = performance.now() - built
  const { module, memory } = program.size()
  return { graph_ms: built - began, compile_ms, module_kb: module / 1000, memory_kb: memory / 1000 }
}
