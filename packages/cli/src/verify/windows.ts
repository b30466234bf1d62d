import type { Tensor } from '@bptt/graph'
import { carriesOf, carryBefore } from './carries.js'
import { type Case, gradsAt, paramGradsAt, rows } from './case.js'
import { compare, type Finding, type Named, type Pair, pairOf, pairUp } from './compare.js'
import { field, items, optional, type Spot, wholeAt } from './read.js'
import { combined, lineOf, type Runner, runnerOf } from './run.js'

/** Steps `start` to `end` (not included) run back, with the losses from step `lossFrom` on; steps count from 0. */
interface Window {
  readonly start: number
  readonly end: number
  readonly lossFrom: number
}

/** `windows`, BPTT(h; h'): the sum over windows, each a timeline of its own that starts from the forward carry. */
export function checkWindows(of: Case, spot: Spot): readonly Finding[] {
  const [h, hp] = [wholeAt(field(spot, 'h')), wholeAt(field(spot, 'hp'))]
  const windows = windowsOf(of.steps, h, hp)
  const parts = gradientsOf(of, windows)
  const pairs = [
    ...windowPairs(field(spot, 'windows'), windows),
    ...pairUp(
      '',
      combined(parts.map(tensors => ({ factor: 1, tensors }))),
      gradsAt(field(spot, 'grads'), of),
    ),
    ...eachWindow(of, optional(spot, 'window_param_grads'), parts),
  ]
  return [compare(of.name, `windows h=${h} h'=${hp}`, pairs)]
}

/** The windows of BPTT(h; h') over T steps. */
function windowsOf(steps: number, h: number, hp: number): readonly Window[] {
  return Array.from({ length: Math.ceil(steps / hp) }, (_, i) => {
    const end = Math.min(steps, (i + 1) * hp)
    return { start: Math.max(0, end - h), end, lossFrom: i * hp }
  })
}

function windowPairs(spot: Spot, windows: readonly Window[]): readonly Pair[] {
  const given = items(spot).flatMap(at =>
    ['start', 'end', 'loss_from'].map(name => wholeAt(field(at, name), 0)),
  )
  return [
    pairOf(
      'windows',
      windows.flatMap(({ start, end, lossFrom }) => [start, end, lossFrom]),
      given,
    ),
  ]
}

function eachWindow(of: Case, spot: Spot | undefined, parts: readonly Named[]): readonly Pair[] {
  if (spot === undefined) return []
  return items(spot, parts.length).flatMap((at, i) =>
    pairUp(`window ${i}: `, parts[i]!, paramGradsAt(at, of)),
  )
}

/** The gradients of every window by parameters, inputs (at their places) and, from the start, initial carry. */
function gradientsOf(of: Case, windows: readonly Window[]): readonly Named[] {
  const carries = carriesOf(of, 'folded')
  const run = runnerOf(of, lineOf(of, { steps: 'T' }))
  return windows.map(window => runWindow(of, run, carries, window))
}

function runWindow(of: Case, run: Runner, carries: Named, { start, end, lossFrom }: Window): Named {
  const inside = ['xs', 'targets', 'reset'].flatMap(name => {
    const tensor = of.values.get(name)
    return tensor === undefined ? [] : [[name, rows(tensor, start, end)] as const]
  })
  const weights = Float64Array.from({ length: (end - start) * of.batch }, (_, i) =>
    start + Math.floor(i / of.batch) < lossFrom ? 0 : of.scale,
  )
  const given = new Map([
    ...carryBefore(of, carries, start),
    ...inside,
    ['weights', { shape: [end - start, of.batch], data: weights }],
  ])
  const { gradients } = run(given as Map<string, Tensor>)
  const found = [...gradients].map(([name, tensor]) => {
    if (name === 'inputs') return [name, placed(tensor, start, of.values.get('xs')!)] as const
    const lost = start > 0 && name.startsWith('initial_carry.')
    return [name, lost ? { ...tensor, data: tensor.data.map(() => 0) } : tensor] as const
  })
  return new Map(found)
}

/** Rows put at their place in a tensor shaped like `all`, zero elsewhere. */
function placed({ data }: Tensor, start: number, all: Tensor): Tensor {
  const out = new Float64Array(all.data.length)
  out.set(data, start * (all.data.length / all.shape[0]!))
  return { shape: all.shape, data: out }
}
