import {
  abs,
  add,
  type Graph,
  graph,
  isRef,
  isShape,
  type Loss,
  leaves,
  mapTree,
  max,
  maxOver,
  type Ref,
  reshape,
  type Shape,
  sum,
  type Tensor,
  type Tree,
} from '@bptt/graph'
import type { Cell, Schedule } from '@bptt/unroll'
import type { Estimator, Method, Site } from './estimator.js'
import { estimatorOf } from './estimators/segments.js'
import { checkStep, type Optimizer, zip } from './optimiser.js'
import { globalNorm } from './optimisers/clip.js'

/** What a training step is made of. */
export interface StepOptions {
  readonly model: Cell
  readonly loss: Loss
  /** How credit passes back through time: a schedule of `@bptt/unroll`, or an estimator. */
  readonly estimator: Schedule | Estimator
  readonly optimizer: Optimizer
  /** Parallel sub-streams that are learned from together, each with its own carry; one where not given. */
  readonly lanes?: number
}

/** Results of one training step, as the graph names them. */
export interface StepOutputs {
  readonly params: Tree<Tensor>
  /** Missing where the optimiser keeps none. */
  readonly slots?: Tree<Tensor>
  /** Missing where the model keeps none. */
  readonly carry?: Tree<Tensor>
  /** What the estimator keeps; missing where it keeps nothing. */
  readonly memory?: Tree<Tensor>
  /** Weighted sum over the window, nats. */
  readonly loss: Tensor
  /** Global norm before clipping. */
  readonly gradientNorm: Tensor
  /** Largest magnitude in the next params, slots, carry and memory: finite where all of them are. */
  readonly peak: Tensor
  /** Missing where the optimiser reports nothing. */
  readonly reports?: Readonly<Record<string, Tensor>>
}

/** A training step made ready: its estimator for its model. */
export interface Setup extends Site {
  readonly optimizer: Optimizer
  readonly estimator: Estimator
  readonly method: Method
}

/** Makes a training step ready. */
export function setupOf({ model, optimizer, lanes = 1, ...options }: StepOptions): Setup {
  const estimator = estimatorOf(options.estimator)
  const loss = perEvent(options.loss, model)
  return { model, loss, optimizer, lanes, estimator, method: estimator.method({ model, loss, lanes }) }
}

/** The loss of every event as one number, whatever axes the model's outputs have. */
function perEvent(loss: Loss, { output }: Cell): Loss {
  if (output.length === 1) return loss
  const row = (value: Ref): Ref =>
    output.length === 0 ? reshape(value, { shape: [...value.shape, 1] }) : value
  const whole = (y: Ref, target: Ref): Ref => {
    const events = y.shape.length - output.length
    const losses = loss(row(y), row(target))
    return losses.shape.length === events
      ? losses
      : sum(losses, { axis: axesFrom(events, losses.shape.length) })
  }
  return Object.assign(whole, loss.target === undefined ? {} : { target: loss.target })
}

const axesFrom = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from }, (_, i) => from + i)

/**
 * The whole update as one graph: losses over a window, their gradient as the estimator makes it, and the optimiser. Inputs params,
 * slots, count [], carry, memory, and what the estimator's method reads of a window; outputs as `StepOutputs`.
 *
 * The loss is the sum over the window, so that the expected update does not depend on where the window was cut.
 * @throws GraphError `no-step` where the optimiser only changes gradients.
 */
export const stepGraph = (options: StepOptions): Graph => setupGraph(setupOf(options))

/** The update of a training step that is ready. */
export function setupGraph({ model, optimizer, lanes, method }: Setup): Graph {
  checkStep('optimizer', optimizer)
  const inputs = {
    params: model.params,
    slots: optimizer.slots(model.params),
    count: [],
    carry: mapTree(model.carry, isShape, shape => [lanes, ...shape]),
    memory: method.memory,
    window: method.inputs,
  }
  return graph(inputs as Tree<Shape>, refs => update(optimizer, method, refs as unknown as StepInputs))
}

/** A graph has no empty branches: slots, carry and memory are missing where there are none. */
interface StepInputs {
  readonly params: Tree<Ref>
  readonly slots?: Tree<Ref>
  readonly count: Ref
  readonly carry?: Tree<Ref>
  readonly memory?: Tree<Ref>
  readonly window: Readonly<Record<string, Ref>>
}

function update(optimizer: Optimizer, method: Method, inputs: StepInputs): Tree<Ref> {
  const { params, slots = {}, count, carry = {}, memory = {}, window } = inputs
  const made = method.gradient({ params, carry, memory, window })
  const { updates, slots: next, reports = {} } = optimizer.update(made.gradient, { params, slots, count })
  const state = {
    params: zip([params, updates], (p, u) => add(p, u)),
    slots: next,
    carry: made.carry,
    memory: made.memory,
  }
  return {
    ...state,
    loss: made.loss,
    gradientNorm: globalNorm(made.gradient),
    peak: peakOf(state),
    reports,
  }
}

/** The largest magnitude in a tree; NaN where one is NaN. */
function peakOf(tree: Tree<Ref>): Ref {
  return leaves(tree, isRef, 'peak')
    .map(([, value]) => maxOver(abs(value)))
    .reduce((top, next) => max(top, next))
}
