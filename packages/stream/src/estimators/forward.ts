import {
  add,
  filled,
  type Graph,
  GraphError,
  index,
  inline,
  isRef,
  isShape,
  leaves,
  mapTree,
  type Ref,
  type Shape,
  sizeOf,
  stack,
  type Tensor,
  type Tree,
} from '@bptt/graph'
import {
  type Cell,
  coin,
  type ForwardOptions,
  influenceOf,
  rtrl as rtrlGraph,
  snap as snapGraph,
  uoro as uoroGraph,
  uoroInfluenceOf,
} from '@bptt/unroll'
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

/** How often a forward-mode estimator updates. */
export interface ForwardSettings {
  /** An update every so many events, a whole number ≥ 1; 1 where not given. */
  readonly every?: number
}

/**
 * Real-time recurrent learning: the exact gradient in forward mode, for parameters that stay [williams-zipser1989]. No event is kept;
 * the influence [S, P] of every parameter on the state is carried on, also over updates, so that it mixes old parameters with new
 * ones: the usual online approximation. O(S² P) time an event and O(S P) memory, per lane: for small nets. A reset forgets all influence.
 * @throws GraphError `bad-setting`; `no-state` where the model has no carry or no parameters.
 * @category Start here
 */
export function rtrl({ every = 1 }: ForwardSettings = {}): Estimator {
  return forwardEstimator(`rtrl(every ${every})`, every, {
    influence: influenceOf,
    graph: rtrlGraph,
  })
}

/**
 * SnAp-n: RTRL that keeps only the influence that can arise within n steps, n = 1 where not given [menick2021]. Biased.
 * @throws GraphError `bad-setting`, `bad-order`; `no-state` where the model has no carry or no parameters.
 * @category Start here
 */
export function snap({
  order = 1,
  every = 1,
}: ForwardSettings & { readonly order?: number } = {}): Estimator {
  return forwardEstimator(`snap(order ${order}, every ${every})`, every, {
    influence: influenceOf,
    graph: (cell, options) => snapGraph(cell, { ...options, order }),
  })
}

/**
 * Unbiased online recurrent optimization: RTRL with a random product of two vectors in the place of the influence
 * [tallec-ollivier2018]. O(S + P) memory, high variance. Signs are coins of the seed, the lane (or key) and the event.
 * @throws GraphError `bad-setting`, `bad-coin`; `no-state` where the model has no carry or no parameters.
 * @category Start here
 */
export function uoro({ seed = 0, every = 1 }: ForwardSettings & { readonly seed?: number } = {}): Estimator {
  coin(seed, 0, 0) // a seed that is no whole number ≥ 0 is refused here
  return forwardEstimator(`uoro(seed ${seed}, every ${every})`, every, {
    influence: uoroInfluenceOf,
    graph: uoroGraph,
    signs: seed,
  })
}

/** A kind of forward-mode gradient. */
interface Kind {
  /** Shapes of what it carries on, for one lane. */
  readonly influence: (cell: Cell) => Tree<Shape>
  readonly graph: (cell: Cell, options: ForwardOptions) => Graph
  /** Seed of the random signs, where it reads such. */
  readonly signs?: number
}

function forwardEstimator(text: string, every: number, kind: Kind): Estimator {
  if (!Number.isInteger(every) || every < 1)
    throw new GraphError(
      'bad-setting',
      text.slice(0, text.indexOf('(')),
      `every is ${every}; an update comes every whole number of events ≥ 1`,
    )
  return { text, cuts: byCount(every), method: site => forwardMethod(kind, site) }
}

function forwardMethod(kind: Kind, site: Site): Method {
  const { model, loss, lanes } = site
  const options = { steps: 'T', loss, weighted: true, resets: true, unchecked: true, carried: true }
  const made = kind.graph(model, options)
  const read = columns(site)
  const { input, target } = eventShapes(site)
  const rows = ['T', lanes] as const
  const size = stateSize(model)
  const signed = kind.signs !== undefined
  const memory = mapTree(kind.influence(model), isShape, shape => [lanes, ...shape])
  return {
    memory,
    start: () => mapTree(memory, isShape, shape => filled(shape as readonly number[], 0)),
    inputs: {
      ...{ xs: [...rows, ...input], targets: [...rows, ...target], weights: rows, reset: rows },
      ...(signed && { signs: [...rows, size] }),
    },
    values: (window, rooms) => ({
      ...{ xs: read.xs(window, rooms), targets: read.targets(window, rooms) },
      ...{ weights: read.weights(window, rooms), reset: read.reset(window, rooms) },
      ...(kind.signs !== undefined && { signs: signsOf(window, kind.signs, size) }),
    }),
    gradient: given => sumOf(Array.from({ length: lanes }, (_, lane) => ofLane(made, given, lane))),
  }
}

const stateSize = ({ carry, name }: Cell): number =>
  leaves(carry, isShape, name).reduce((sum, [, shape]) => sum + sizeOf(shape as readonly number[]), 0)

/** Random signs [T, lanes, S]: the same for the same seed, stream and event, wherever windows are cut. */
function signsOf(window: Window, seed: number, size: number): Tensor {
  const lanes = window.lanes.length
  const out = filled([stepsOf(window), lanes, size], 0)
  window.lanes.forEach(({ first, samples, stream }, lane) => {
    samples.forEach((_, i) => {
      for (let k = 0; k < size; k++)
        out.data[(i * lanes + lane) * size + k] =
          coin(seed, stream ?? lane, (first + i) * size + k) < 0.5 ? -1 : 1
    })
  })
  return out
}

/** The gradient of one lane; its carry and influence without the axis of lanes. */
function ofLane(made: Graph, { params, carry, memory, window }: Given, lane: number): Gradient {
  const own = (tree: Tree<Ref>, axis: number): Tree<Ref> =>
    mapTree(tree, isRef, value => index(value, { axis, at: lane }))
  const given = { params, carry: own(carry, 0), influence: own(memory, 0), ...(own(window, 1) as object) }
  const results = inline(made, given as Tree<Ref>) as unknown as Results
  return {
    loss: results.loss,
    gradient: results.gradient.params,
    carry: results.carry,
    memory: results.influence,
  }
}

interface Results {
  readonly loss: Ref
  readonly gradient: { readonly params: Tree<Ref> }
  readonly carry: Tree<Ref>
  readonly influence: Tree<Ref>
}

function sumOf(parts: readonly Gradient[]): Gradient {
  const added = (...values: Ref[]): Ref => values.reduce((a, b) => add(a, b))
  return {
    loss: added(...parts.map(({ loss }) => loss)),
    gradient: zip(
      parts.map(({ gradient }) => gradient),
      added,
    ),
    carry: zip(
      parts.map(({ carry }) => carry),
      (...values) => stack(values),
    ),
    memory: zip(
      parts.map(({ memory }) => memory),
      (...values) => stack(values),
    ),
  }
}
