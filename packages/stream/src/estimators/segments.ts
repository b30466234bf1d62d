import {
  filled,
  inline,
  isRef,
  mapTree,
  type Ref,
  type Tensor,
  type Tree,
  valueAndGradient,
  where,
} from '@bptt/graph'
import { type Schedule, type Timeline, unroll } from '@bptt/unroll'
import type { Estimator, Gradient, Method, Site } from '../estimator.js'
import { type Columns, columns } from '../grid.js'

/** A schedule as an estimator; an estimator as it is. */
export function estimatorOf(given: Schedule | Estimator): Estimator {
  return 'method' in given ? given : segments(given)
}

/**
 * Learns from the segments between cuts of credit: block truncation, ARTBP, whole episodes, fixed weights. The gradient of a segment
 * is that of its timeline, under the schedule's weights. Every lane draws its own coins, and ends its own segments.
 */
function segments(schedule: Schedule): Estimator {
  return {
    text: schedule.text,
    cuts: { weight: edge => schedule.weight(edge), endsAtReset: true },
    method: segmentMethod,
  }
}

/** The gradient of segments between cuts of credit, of one lane or of several. */
export function segmentMethod(site: Site): Method {
  return site.lanes === 1 ? single(site) : parallel(site)
}

/** The only lane: a reset is at most at the first event of a window, so it need not be asked for at every step. */
function single(site: Site): Method {
  const { model, loss } = site
  const credit = { kind: 'input', each: false } as const
  const line = unroll(model, { steps: 'T', batch: 1, loss, weighted: true, credit })
  const { inputs, values, gradient } = timelineMethod(line, site)
  return {
    ...NO_MEMORY,
    inputs: { ...inputs, fresh: [] },
    values: (window, rooms) => ({
      ...values(window, rooms),
      fresh: filled([], window.lanes[0]!.samples[0]!.reset ? 1 : 0),
    }),
    gradient: given => gradient({ ...given, carry: startAnew(given.carry, given.window['fresh']!) }),
  }
}

/** Lanes begin anew and end within a window, each where its events say so. */
function parallel(site: Site): Method {
  const { model, loss, lanes } = site
  const credit = { kind: 'input', each: true } as const
  const flags = { resets: true, masked: true, unchecked: true } // the grid makes them from events
  const options = { steps: 'T', batch: lanes, loss, weighted: true, ...flags, credit }
  return { ...NO_MEMORY, ...timelineMethod(unroll(model, options), site) }
}

/** Nothing is kept between windows. */
const NO_MEMORY: Pick<Method, 'memory' | 'start'> = { memory: {}, start: () => ({}) }

const READ = ['xs', 'targets', 'weights', 'credit', 'reset', 'mask'] as const satisfies (keyof Columns)[]

/** The gradient of a timeline's loss, over windows laid out as its inputs want them. */
function timelineMethod({ graph }: Timeline, site: Site): Pick<Method, 'inputs' | 'values' | 'gradient'> {
  const read = columns(site)
  const slope = valueAndGradient(graph, { of: 'loss', by: ['params'] })
  const shapes = new Map(graph.inputs.map(({ name, value }) => [name, graph.shapes[value]!] as const))
  const names = READ.filter(name => shapes.has(name))
  return {
    inputs: Object.fromEntries(names.map(name => [name, shapes.get(name)!])),
    values: (window, rooms) => {
      const made: Record<string, Tensor> = {}
      for (const name of names) {
        const { shape, data } = read[name](window, rooms)
        made[name] = { shape: shape.slice(0, shapes.get(name)!.length), data } // credit of one lane is [T]
      }
      return made
    },
    gradient: ({ params, carry, window }) => {
      const given = Object.fromEntries(names.map(name => [name, window[name]!]))
      return gradientOf(inline(slope, { params, carry, ...given } as Tree<Ref>))
    },
  }
}

function gradientOf(made: unknown): Gradient {
  const {
    loss,
    carry = {},
    gradient,
  } = made as {
    readonly loss: Ref
    readonly carry?: Tree<Ref> // missing where the model keeps none
    readonly gradient: { readonly params: Tree<Ref> }
  }
  return { loss, gradient: gradient.params, carry, memory: {} }
}

/** The carry, or zero where `fresh` is 1. */
function startAnew(carry: Tree<Ref>, fresh: Ref): Tree<Ref> {
  return mapTree(carry, isRef, value => where(fresh, 0, value))
}
