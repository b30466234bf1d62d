import { compile, filled, type Program, type Tensor } from '@bptt/graph'
import {
  chain,
  clipByGlobalNorm,
  type Report,
  type Sample,
  type StepOptions,
  sgd,
  squaredError,
  stepGraph,
  trainer,
} from '@bptt/stream'
import { every, zeroCarry } from '@bptt/unroll'
import { Subject } from 'rxjs'
import type { Context } from '../context.js'
import { median } from '../statistics.js'
import { generator, modelOf, workloads } from '../workloads.js'

const tiny = workloads.find(({ name }) => name === 'W1')!
const window = tiny.steps
const windows = 4000

/** W1's net as a trainer is given it. */
export function tinyNet(): StepOptions {
  return {
    model: modelOf(tiny),
    loss: squaredError,
    estimator: every(window),
    optimizer: chain(clipByGlobalNorm(1), sgd(tiny.rate)),
  }
}

/** Endless events for W1's net, out of a few thousand. */
export function events(): readonly Sample[] {
  const random = generator(3)
  const vector = (): readonly number[] => Array.from({ length: tiny.inputs }, () => random() - 0.5)
  return Array.from({ length: 1600 }, () => ({ input: vector(), target: vector() }))
}

/** What an event costs in the rxjs operator on top of the compiled step, at batch 1. */
export function stream(context: Context): boolean {
  const bare = bareStep()
  const source = new Subject<Sample>()
  let last: Report | undefined
  source.pipe(trainer(tinyNet()).train()).subscribe(report => {
    last = report
  })
  const given = events()
  let t = 0
  const event = (): void => source.next(given[t++ % given.length]!)
  const [through, compiled] = perEvent(
    () => {
      for (let i = 0; i < window; i++) event()
    },
    () => bare.step(),
  )
  context.reporter.report(
    'stream',
    'rxjs operator at batch 1, W1 net, one update every 16 events (bar: 2 µs on top)',
    [
      {
        us_per_event: through,
        compiled_us: compiled,
        on_top_us: through - compiled,
        loss: last?.loss ?? Number.NaN,
      },
    ],
  )
  return true
}

/** The trainer's own training step with a window of events lying in it. */
function bareStep(): Program {
  const options = tinyNet()
  const program: Program = compile(stepGraph(options), { keep: { params: 'params', carry: 'carry' } })
  const rows = (width: number): Tensor => filled([window, 1, width], 0.1)
  program.run({
    params: options.model.init(0).params,
    carry: zeroCarry(options.model, 1),
    window: {
      ...{ xs: rows(tiny.inputs), targets: rows(tiny.outputs), weights: filled([window, 1], 1) },
      ...{ credit: filled([window], 1), fresh: filled([], 0) },
    },
    count: 0,
  } as never)
  return program
}

/** Microseconds per event of windows, each measured in turns with the others: the medians of many. */
function perEvent<const R extends readonly (() => void)[]>(...runs: R): { readonly [K in keyof R]: number } {
  for (let i = 0; i < windows; i++) for (const run of runs) run()
  const times = runs.map(() => new Float64Array(windows))
  for (let i = 0; i < windows; i++)
    runs.forEach((run, k) => {
      const began = performance.now()
      run()
      times[k]![i] = performance.now() - began
    })
  return times.map(each => (1000 * median([...each])) / window) as { readonly [K in keyof R]: number }
}
