import type { Context } from '../context.js'
import { median } from '../statistics.js'
import type { Finding } from '../table.js'
import { inChild } from './child.js'
import { compileOnce, type Made } from './compile-once.js'

const lengths = [10, 100, 1000, 10_000]
const [children, tries] = [7, 15]

/** Making the training step of a stacked two-layer LSTM, by the length it is first run with: as the first program of a process, and later. */
export function compileTime({ reporter }: Context): boolean {
  reporter.progress('compile, in processes of their own …')
  const script = new URL('./compile-child.ts', import.meta.url)
  const cold = Array.from({ length: children }, () => inChild(script, '10') as unknown as Made)
  const rows = [row('first', 10, cold), ...lengths.map(steps => row('later', steps, later(steps)))]
  reporter.report('compile', 'Compiling two layers of LSTM 128 (bars: 30 ms, 60 kB)', rows)
  return true
}

/** Garbage is collected before each, so that none pays for the one before it. */
function later(steps: number): readonly Made[] {
  compileOnce(steps)
  return Array.from({ length: tries }, () => {
    globalThis.gc?.()
    return compileOnce(steps)
  })
}

function row(program: string, steps: number, made: readonly Made[]): Finding {
  const of = (figure: keyof Made): number => median(made.map(one => one[figure]))
  const fastest = Math.min(...made.map(one => one.compile_ms))
  const slowest = Math.max(...made.map(one => one.compile_ms))
  return {
    ...{ program, steps, graph_ms: of('graph_ms'), compile_ms: of('compile_ms'), fastest, slowest },
    ...{ module_kb: of('module_kb'), memory_kb: of('memory_kb') },
  }
}
