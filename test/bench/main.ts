import os from 'node:os'
import { type Context, contextOf } from './context.js'
import { fmaReady } from './flavour.js'
import { readOptions, type Section } from './options.js'
import { reporter } from './report.js'
import { allocations } from './sections/allocations.js'
import { build } from './sections/build.js'
import { compileTime } from './sections/compile.js'
import { kernels } from './sections/kernels.js'
import { latency } from './sections/latency.js'
import { length } from './sections/length.js'
import { memory } from './sections/memory.js'
import { soak } from './sections/soak.js'
import { steps } from './sections/steps.js'
import { stream } from './sections/stream.js'
import { threads } from './sections/threads.js'

const parts: Readonly<Record<Section, (context: Context) => boolean | Promise<boolean>>> = {
  steps,
  kernels,
  compile: compileTime,
  length,
  latency,
  memory,
  allocations,
  stream,
  threads,
  build,
  soak,
}

async function main(): Promise<boolean> {
  const options = readOptions(process.argv.slice(2))
  const context = contextOf(options, reporter(options.json), fmaReady(options.fma))
  const { portable, fast } = context.peaks
  context.reporter.report('run', 'Machine', [
    {
      node: process.versions.node,
      v8: process.versions.v8,
      cpu: os.cpus()[0]?.model ?? 'unknown',
      cores: os.cpus().length,
      load: os.loadavg()[0]!,
      peak_portable_gflops: portable,
      ...(fast !== undefined && { peak_fast_gflops: fast }),
    },
  ])
  let right = true
  for (const section of options.sections) {
    context.reporter.progress(`${section} …`)
    right = (await parts[section](context)) && right
  }
  return right
}

try {
  process.exitCode = (await main()) ? 0 : 1
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 2
}
