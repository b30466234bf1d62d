import {
  add,
  concat,
  evaluate,
  filled,
  inline,
  isShape,
  mapTree,
  mul,
  type Ref,
  type Shape,
  scan,
  slice,
  sum,
  type Tensor,
  type Tree,
} from '@bptt/graph'
import { type SplitStep, splitStep, type WindowSizes, windowPlan, zeroCarry } from '@bptt/unroll'
import {
  type Estimator,
  eventShapes,
  type Given,
  type Gradient,
  type Method,
  type Site,
} from '../estimator.js'
import { columns, stepsOf } from '../grid.js'
import { zip } from '../optimiser.js'
import type { Window } from '../window.js'
import { byCount } from './count.js'

/**
 * BPTT(h; h′): an update every h′ events, in which the newest h′ losses go back over h steps [williams-peng1990]. Biased, less than
 * blocks of h steps: every loss keeps h − h′ + 1 lags or more. `every` is h′, 1 where not given; h = h′ is block truncation.
 *
 * The forward pass is never run again. What a step's way back reads is kept for h steps, and one sweep back over them makes the
 * gradient; that costs h/h′ steps back per event, and h steps of memory. Parameters may have moved since a step was made: its saved
 * values are those of its time, and the parameters that the sweep reads are those of now, the usual online approximation. With
 * parameters that stay the gradient is exactly that of `windows` and `windowRunner` of `@bptt/unroll`.
 *
 * A reset starts the carry anew within a window, and no credit passes it. Where a stream ends within h′ events, the last window is
 * shorter.
 * @throws GraphError `bad-windows`.
 * @category Start here
 */
export function bptt(sizes: WindowSizes): Estimator {
  const { h, every } = windowPlan(1, sizes)
  return {
    text: `bptt(h ${h}, every ${every})`,
    cuts: byCount(every),
    method: site => ringMethod(site, h, every),
  }
}

function ringMethod(site: Site, h: number, every: number): Method {
  const step = splitStep(site.model, { loss: site.loss, batch: site.lanes })
  const ring = h - every
  const read = columns(site, { steps: every, pad: 'start' })
  const { input, target } = eventShapes(site)
  const rows = [every, site.lanes]
  return {
    memory: ring === 0 ? {} : mapShapes(step.saved, shape => [ring, ...shape]),
    start: params => (ring === 0 ? {} : startRing(step, site, params, ring)),
    inputs: {
      ...{ xs: [...rows, ...input], targets: [...rows, ...target] },
      ...{ weights: rows, reset: rows, mask: rows, credit: rows },
    },
    values: (window, rooms) => ({
      ...{ xs: read.xs(window, rooms), targets: read.targets(window, rooms) },
      ...{ weights: read.weights(window, rooms), reset: read.reset(window, rooms) },
      mask: read.mask(window, rooms),
      credit: startCredit(window, every),
    }),
    loops: { forward: every, back: h },
    gradient: given => sweep(step, site, given, { ring, every }),
  }
}

/** No credit passes to before the first event of all: what lies in the ring then is no step. */
function startCredit(window: Window, steps: number): Tensor {
  const B = window.lanes.length
  const credit = filled([steps, B], 1)
  const at = steps - stepsOf(window)
  window.lanes.forEach(({ first }, lane) => {
    if (first === 1) credit.data[at * B + lane] = 0
  })
  return credit
}

/** A ring of steps that are none, but have finite values: those of a step of zeros. */
function startRing(
  step: SplitStep,
  { model, loss, lanes }: Site,
  params: Tree<Tensor>,
  ring: number,
): Tree<Tensor> {
  const { input, target } = eventShapes({ model, loss })
  const zeros = (shape: Shape): Tensor => filled([lanes, ...(shape as readonly number[])], 0)
  const flags = { credit: zeros([]), reset: zeros([]), mask: zeros([]) }
  const values = { params, carry: zeroCarry(model, lanes), x: zeros(input), target: zeros(target), ...flags }
  const { saved } = evaluate(step.forward, values) as unknown as { readonly saved: Record<string, Tensor> }
  return Object.fromEntries(Object.entries(saved).map(([name, value]) => [name, repeated(value, ring)]))
}

function repeated({ shape, data }: Tensor, times: number): Tensor {
  const out = filled([times, ...shape], 0)
  const finite = data.map(x => (Number.isFinite(x) ? x : 1))
  for (let i = 0; i < times; i++) out.data.set(finite, i * data.length)
  return out
}

interface Sizes {
  readonly ring: number
  readonly every: number
}

type Saved = Readonly<Record<string, Ref>>

/** Runs the new steps forward, and all saved steps back. */
function sweep(step: SplitStep, site: Site, given: Given, { ring, every }: Sizes): Gradient {
  const { params, memory, window } = given
  const weights = window['weights']!
  const { carry, losses, saved } = forward(step, given)
  const all = ring === 0 ? saved : mapSaved(saved, (now, name) => concat([(memory as Saved)[name]!, now]))
  const zeros = weights.builder.constant(filled([ring, site.lanes], 0))
  const injected = ring === 0 ? weights : concat([zeros, weights])
  const kept = ring === 0 ? {} : mapSaved(all, value => slice(value, { axis: 0, start: every, size: ring }))
  return {
    loss: sum(mul(losses, weights)),
    gradient: backward(step, site, params, { saved: all, weights: injected }),
    carry,
    memory: kept,
  }
}

function forward(
  step: SplitStep,
  { params, carry, window }: Given,
): { readonly carry: Tree<Ref>; readonly losses: Ref; readonly saved: Saved } {
  const { xs: x, targets: target, reset, mask, credit } = window as Record<string, Ref>
  const [after, made] = scan(
    ((before: Tree<Ref>, now: Tree<Ref>) => {
      const { carry: next = {}, ...rest } = inline(step.forward, {
        params,
        carry: before,
        ...(now as object),
      } as Tree<Ref>) as unknown as { readonly carry?: Tree<Ref>; readonly loss: Ref; readonly saved: Saved }
      return [next, rest]
    }) as never,
    { carry, xs: { x, target, reset, mask, credit } as never },
  )
  const { loss: losses, saved } = made as unknown as { readonly loss: Ref; readonly saved: Saved }
  return { carry: after as Tree<Ref>, losses, saved }
}

/** Sums the gradient over saved steps, the newest first. */
function backward(
  step: SplitStep,
  { model, lanes }: Site,
  params: Tree<Ref>,
  xs: { readonly saved: Saved; readonly weights: Ref },
): Tree<Ref> {
  const home = xs.weights.builder
  const zeros = (shapes: Tree<Shape>, front: readonly number[]): Tree<Ref> =>
    mapTree(shapes, isShape, shape => home.constant(filled([...front, ...(shape as readonly number[])], 0)))
  const [end] = scan(
    ((at: Swept, now: { readonly saved: Saved; readonly weights: Ref }) => {
      const seed = { carry: at.carry ?? {}, loss: now.weights }
      const made = inline(step.backward, {
        params,
        saved: now.saved,
        seed,
      } as Tree<Ref>) as unknown as Swept & {
        readonly params: Tree<Ref>
      }
      return [{ carry: made.carry ?? {}, gradient: added(at.gradient, made.params) }, {}]
    }) as never,
    {
      carry: { carry: zeros(model.carry, [lanes]), gradient: zeros(model.params, []) },
      xs: xs as never,
      reverse: true,
    },
  )
  return (end as unknown as Swept).gradient
}

/** What the sweep hands from step to step. */
interface Swept {
  readonly carry?: Tree<Ref>
  readonly gradient: Tree<Ref>
}

const added = (a: Tree<Ref>, b: Tree<Ref>): Tree<Ref> => zip([a, b], (x, y) => add(x, y))

const mapSaved = (saved: Saved, change: (value: Ref, name: string) => Ref): Saved =>
  Object.fromEntries(Object.entries(saved).map(([name, value]) => [name, change(value, name)]))

const mapShapes = (shapes: Readonly<Record<string, Shape>>, change: (shape: Shape) => Shape): Tree<Shape> =>
  Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, change(shape)]))
