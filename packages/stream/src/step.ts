import {
  abs,
  add,
  type Graph,
  graph,
  inline,
  isRef,
  isShape,
  type Loss,
  leaves,
  mapTree,
  max,
  maxOver,
  type Ref,
  type Shape,
  type Tensor,
  type Tree,
  valueAndGradient,
} from '@bptt/graph'
import { type Cell, unroll } from '@bptt/unroll'
import { checkStep, type Optimizer, zip } from './optimiser.js'
import { globalNorm } from './optimisers/clip.js'

/** What a training step is made of. */
export interface StepOptions {
  readonly model: Cell
  readonly loss: Loss
  readonly optimizer: Optimizer
}

/** Results of one training step, as the graph names them. */
export interface StepOutputs {
  readonly params: Tree<Tensor>
  /** Missing where the optimiser keeps none. */
  readonly slots?: Tree<Tensor>
  /** Missing where the model keeps none. */
  readonly carry?: Tree<Tensor>
  /** Sum over the window, nats. */
  readonly loss: Tensor
  /** Global norm before clipping. */
  readonly gradientNorm: Tensor
  /** Largest magnitude in the next params, slots and carry: finite where all of them are. */
  readonly peak: Tensor
  /** Missing where the optimiser reports nothing. */
  readonly reports?: Readonly<Record<string, Tensor>>
}

/**
 * The whole update as one graph: losses over a window of 'T' events, their gradient under the given credit, and the
 * optimiser. Inputs params, slots, count [], carry, xs ['T', 1, ...], targets, credit ['T']; outputs as `StepOutputs`.
 *
 * The loss is the sum over the window, so that the expected update does not depend on where the window was cut.
 * @throws GraphError `no-step` where the optimiser only changes gradients.
 */
export function stepGraph({ model, loss, optimizer }: StepOptions): Graph {
  checkStep('optimizer', optimizer)
  const line = unroll(model, { steps: 'T', batch: 1, loss, credit: { kind: 'input', each: false } })
  const slope = valueAndGradient(line.graph, { of: 'loss', by: ['params'] })
  const rows = ['T', 1] as const
  const inputs = {
    params: model.params,
    slots: optimizer.slots(model.params),
    count: [],
    carry: mapTree(model.carry, isShape, shape => [1, ...shape]),
    xs: [...rows, ...model.input],
    targets: [...rows, ...(loss.target?.(model.output) ?? model.output)],
    credit: ['T'],
  }
  return graph(inputs as Tree<Shape>, refs => update(optimizer, slope, refs as unknown as StepInputs))
}

/** A graph has no empty branches: slots and carry are missing where there are none. */
interface StepInputs {
  readonly params: Tree<Ref>
  readonly slots?: Tree<Ref>
  readonly count: Ref
  readonly carry?: Tree<Ref>
  readonly xs: Ref
  readonly targets: Ref
  readonly credit: Ref
}

function update(optimizer: Optimizer, slope: Graph, inputs: StepInputs): Tree<Ref> {
  const { params, slots = {}, count, carry = {}, xs, targets, credit } = inputs
  const made = inline(slope, { params, carry, xs, targets, credit }) as unknown as {
    readonly gradient: { readonly params: Tree<Ref> }
    readonly carry?: Tree<Ref>
    readonly loss: Ref
  }
  const gradients = made.gradient.params
  const { updates, slots: next, reports = {} } = optimizer.update(gradients, { params, slots, count })
  const state = { params: zip([params, updates], (p, u) => add(p, u)), slots: next, carry: made.carry ?? {} }
  return { ...state, loss: made.loss, gradientNorm: globalNorm(gradients), peak: peakOf(state), reports }
}

/** The largest magnitude in a tree; NaN where one is NaN. */
function peakOf(tree: Tree<Ref>): Ref {
  return leaves(tree, isRef, 'peak')
    .map(([, value]) => maxOver(abs(value)))
    .reduce((top, next) => max(top, next))
}
