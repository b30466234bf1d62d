import { concat, isRef, isShape, leaves, type Ref, type Tensor } from '@bptt/graph'
import type { Cell } from '@bptt/unroll'
import { type Case, rows, valuesOf } from './case.js'
import type { Named } from './compare.js'
import { lineOf, run } from './run.js'

/** The carry after every step, [T, B, H] each, by our names (`carry.h`). */
export function carriesOf(of: Case, form: 'folded' | 'flat'): Named {
  const watched = { ...of, model: { ...of.model, cell: watching(of.model.cell) }, values: new Map(of.values) }
  watched.values.delete('targets')
  const { weights: _, ...values } = valuesOf(watched)
  const ys = run(lineOf(watched, { form }).graph, values).get('ys')!
  let start = 0
  return new Map(
    widths(of.model.cell).map(([name, width]) => {
      start += width
      return [`carry.${name}`, columns(ys, start - width, width)] as const
    }),
  )
}

/** The carry that step `at` reads: the initial one at 0. */
export function carryBefore({ values }: Case, carries: Named, at: number): Named {
  const found = [...carries].map(([name, tensor]) => {
    if (at === 0) return [name, values.get(name)!] as const
    const { shape, data } = rows(tensor, at - 1, at)
    return [name, { shape: shape.slice(1), data }] as const
  })
  return new Map(found)
}

/** The same cell with its new carry as output, side by side. */
function watching(cell: Cell): Cell {
  const names = widths(cell)
  return {
    ...cell,
    name: `carry of ${cell.name}`,
    output: [names.reduce((sum, [, width]) => sum + width, 0)],
    step(params, carry, x) {
      const [next] = cell.step(params, carry, x)
      const found = new Map<string, Ref>(leaves(next, isRef, cell.name))
      const parts = names.map(([name]) => found.get(name)!)
      return [next, concat(parts, { axis: parts[0]!.shape.length - 1 })]
    },
  }
}

const widths = (cell: Cell): (readonly [name: string, width: number])[] =>
  leaves(cell.carry, isShape, cell.name).map(([name, shape]) => [name, shape[0] as number] as const)

/** `width` columns of the last axis. */
export function columns({ shape, data }: Tensor, start: number, width: number): Tensor {
  const all = shape[shape.length - 1]!
  const kept = data.filter((_, i) => i % all >= start && i % all < start + width)
  return { shape: [...shape.slice(0, -1), width], data: kept }
}
