import type { Tensor } from '@bptt/graph'
import { startOf, type Workload } from '../workloads.js'

/** Parameters as the peers hold them: matrices stand so that rows are multiplied from the left. */
export const names = ['wx', 'wh', 'bx', 'bh', 'wo', 'bo'] as const

/** The name of a parameter in the peers' programs. */
export type Name = (typeof names)[number]

/** An array of float32 with its shape. */
export interface Block {
  readonly shape: readonly number[]
  readonly data: Float32Array
}

const sources: Readonly<Record<Name, string>> = {
  wx: 'weight_ih',
  wh: 'weight_hh',
  bx: 'bias_ih',
  bh: 'bias_hh',
  wo: 'readout.weight',
  bo: 'readout.bias',
}

/** The start parameters of a workload, the same numbers as ours. */
export function blocksOf(work: Workload): readonly (readonly [Name, Block])[] {
  const start = startOf(work)
  return names.map(name => [name, turned(start.get(sources[name])!)] as const)
}

function turned({ shape, data }: Tensor): Block {
  const [rows, columns] = shape as [number, number]
  if (shape.length === 1) return { shape, data: Float32Array.from(data) }
  return {
    shape: [columns, rows],
    data: Float32Array.from(
      { length: rows * columns },
      (_, k) => data[(k % rows) * columns + Math.floor(k / rows)]!,
    ),
  }
}
