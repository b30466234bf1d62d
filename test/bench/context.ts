import type { Engine } from './engine.js'
import { jaxEngine, ours, tfjsEngine } from './engines/all.js'
import type { Options } from './options.js'
import { peakOf } from './peak.js'
import type { Reporter } from './report.js'
import { type Workload, workloads } from './workloads.js'

/** What every section of the benchmark gets. */
export interface Context {
  readonly options: Options
  readonly reporter: Reporter
  readonly workloads: readonly Workload[]
  /** The flavours of ours that this engine can compile; the first is `portable`. */
  readonly flavours: readonly ('portable' | 'fast')[]
  /** Measured 128-bit peak, GFLOP/s. */
  readonly peaks: { readonly portable: number; readonly fast: number | undefined }
}

/** The context of a run: which flavours there are, and what they could reach at best. */
export function contextOf(options: Options, reporter: Reporter, fma: boolean): Context {
  return {
    options,
    reporter,
    workloads: workloads.filter(({ name }) => options.workloads.includes(name)),
    flavours: fma ? ['portable', 'fast'] : ['portable'],
    peaks: { portable: peakOf(false), fast: fma ? peakOf(true) : undefined },
  }
}

/** The peak of a flavour. */
export function peakIn({ peaks }: Context, flavour: 'portable' | 'fast'): number {
  return flavour === 'fast' ? (peaks.fast ?? peaks.portable) : peaks.portable
}

/** The engines that were asked for. Peers are loaded only here. */
export async function enginesOf({ options, flavours }: Context): Promise<readonly Engine[]> {
  const engines = options.engines.includes('ours') ? flavours.map(ours) : []
  if (options.engines.includes('jax')) engines.push(await jaxEngine())
  if (options.engines.includes('tfjs')) engines.push(await tfjsEngine())
  return engines
}
