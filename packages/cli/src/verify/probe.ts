import {
  add,
  gradient,
  isRef,
  leaves,
  linear,
  type Ref,
  type Shape,
  slice,
  type Tensor,
  type Tree,
} from '@bptt/graph'
import type { Cell } from '@bptt/unroll'
import { columns } from './carries.js'
import { type Case, rows, valuesOf } from './case.js'
import { lineOf, onlyStep, run } from './run.js'

/** `[t][k]`: d loss_t / d h_{t−k}, [B, H]; the last of each t is by the initial carry. */
export type Vectors = readonly (readonly Tensor[])[]

/** By one backward run a loss: what is added to h_t as a further input gets d loss / d h_t. */
export function vectorsOf(of: Case): Vectors {
  const { cell, inputs, top } = probed(of)
  const hidden = of.values.get(top)!.shape[1]!
  const probedCase = { ...of, model: { ...of.model, cell } }
  const graph = gradient(lineOf(probedCase).graph, { of: 'loss', by: ['xs', top] })
  const xs = widened(of.values.get('xs')!, hidden)
  return Array.from({ length: of.steps }, (_, t) => {
    const found = run(
      graph,
      valuesOf(
        of,
        new Map([
          ['xs', xs],
          ['weights', onlyStep(of, t)],
        ]),
      ),
    )
    const probes = columns(found.get('xs')!, inputs, hidden)
    const at = (s: number): Tensor => ({ ...rows(probes, s, s + 1), shape: [of.batch, hidden] })
    return [...Array.from({ length: t + 1 }, (_, k) => at(t - k)), found.get(top)!]
  })
}

/** The cell with a probe beside its input, which is added to the h of the top layer and, by the readout, to the output. */
function probed({ model }: Case): { readonly cell: Cell; readonly inputs: number; readonly top: string } {
  const { cell, readout, layers } = model
  const top = layers === 1 ? 'h' : `l${layers - 1}.h`
  const inputs = cell.input[0] as number
  const hidden = flat<Shape>(cell.carry, Array.isArray).get(top)![0] as number
  const step: Cell['step'] = (params, carry, x) => {
    const axis = x.shape.length - 1
    const probe = slice(x, { axis, start: inputs, size: hidden })
    const [next, y] = cell.step(params, carry, slice(x, { axis, start: 0, size: inputs }))
    const W = flat(params, isRef).get(readout)!
    return [withAdded(next, layers, probe), add(y, linear(probe, W))]
  }
  return {
    cell: { ...cell, name: `${cell.name}+probe`, input: [inputs + hidden], step },
    inputs,
    top: `carry.${top}`,
  }
}

const flat = <T>(tree: Tree<T>, isLeaf: (value: unknown) => boolean): ReadonlyMap<string, T> =>
  new Map(leaves(tree, isLeaf as (value: unknown) => value is T, 'lags'))

function withAdded(carry: Tree<Ref>, layers: number, probe: Ref): Tree<Ref> {
  const all = carry as { readonly [name: string]: Tree<Ref> }
  const layer = (own: Tree<Ref>): Tree<Ref> => {
    const { h, ...rest } = own as { readonly h: Ref }
    return { ...rest, h: add(h, probe) }
  }
  return layers === 1 ? layer(carry) : { ...all, [`l${layers - 1}`]: layer(all[`l${layers - 1}`]!) }
}

/** xs [T, B, I] with `more` zeros behind every row. */
function widened({ shape, data }: Tensor, more: number): Tensor {
  const [steps = 0, batch = 0, width = 0] = shape
  const out = new Float64Array(steps * batch * (width + more))
  for (let row = 0; row < steps * batch; row++)
    out.set(data.subarray(row * width, (row + 1) * width), row * (width + more))
  return { shape: [steps, batch, width + more], data: out }
}
