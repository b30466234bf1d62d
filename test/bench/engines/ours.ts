import {
  add,
  compile,
  type Dim,
  filled,
  type Graph,
  graph,
  grow,
  inline,
  isRef,
  isShape,
  item,
  mapTree,
  mul,
  type Program,
  type Ref,
  type Shape,
  softmaxCrossEntropy,
  squaredError,
  type Tensor,
  type Tree,
  valueAndGradient,
} from '@bptt/graph'
import { adam, chain, clipByGlobalNorm, type Optimizer, sgd } from '@bptt/stream'
import { type Cell, unroll, zeroCarry } from '@bptt/unroll'
import type { Engine, Runner } from '../engine.js'
import { dataOf, modelOf, startOf, type Workload } from '../workloads.js'
import { balancingRunner } from './influence.js'

/** This repository's compiled programs. */
export function ours(flavour: 'portable' | 'fast'): Engine {
  return {
    name: 'ours',
    flavour,
    prepare: work =>
      work.cell === 'balancing' ? balancingRunner(work, flavour) : netRunner(work, flavour, 1),
  }
}

/** A training step that is compiled, with its state in it. */
export interface Compiled {
  readonly program: Program
  /** The values of the first run, its data and the state: they stay in the program. */
  readonly first: Values
}

type Values = Readonly<Record<string, unknown>>

/** Steps of a net, in one thread or several. */
export function netRunner(work: Workload, flavour: 'portable' | 'fast', threads: number): Runner {
  const { program, first } = compiledStep(work, flavour, modelOf(work), threads)
  let count = 0
  return {
    step: () => {
      if (count === 0) {
        count = 1
        return item((program.run(first as never) as { readonly loss: Tensor }).loss)
      }
      if (work.optimizer === 'adam') program.view('count')[0] = count
      count++
      program.step()
      return program.view('loss')[0]!
    },
    close: () => {},
  }
}

/** The training step of a workload, compiled; the number of time steps is bound at run time, and the batch where threads share it. */
export function compiledStep(
  work: Workload,
  flavour: 'portable' | 'fast',
  model: Cell = modelOf(work),
  threads = 1,
): Compiled {
  const { step, keep, slots } = trainingStep(work, model, threads === 1 ? work.batch : 'B')
  const program: Program = compile(step, { flavour, keep, threads })
  const { xs, targets } = dataOf(work)
  const rows = [work.steps, work.batch]
  const shaped = (data: Float32Array, shape: readonly number[]): Tensor => ({
    shape,
    data: Float64Array.from(data),
  })
  const data = {
    carry: zeroCarry(model, work.batch),
    xs: shaped(xs, [...rows, work.inputs]),
    targets: shaped(targets, work.loss === 'squared' ? [...rows, work.outputs] : rows),
    scale: 1 / (work.steps * work.batch * (work.loss === 'squared' ? work.outputs : 1)),
  }
  const zeros = mapTree(slots, isShape, shape => filled(shape as readonly number[], 0))
  const state = { params: grow([...startOf(work)]), ...(work.optimizer === 'adam' && { slots: zeros }) }
  return { program, first: { ...data, ...state, count: 0 } }
}

/** The training step of a workload as a graph, what is kept in the program, and the shapes of the optimiser's slots. */
export function trainingStep(
  work: Workload,
  model: Cell,
  batch: Dim,
): { readonly step: Graph; readonly keep: Readonly<Record<string, string>>; readonly slots: Tree<Shape> } {
  const optimizer = optimizerOf(work)
  const keep = { params: 'params', ...(work.optimizer === 'adam' && { slots: 'slots' }) }
  const slots = optimizer.slots(model.params)
  return { step: trainingGraph(work, model, optimizer, batch), keep, slots }
}

function optimizerOf({ optimizer, rate }: Workload): Optimizer {
  return chain(clipByGlobalNorm(1), optimizer === 'adam' ? adam(rate) : sgd(rate))
}

interface Inputs {
  readonly params: Tree<Ref>
  readonly slots?: Tree<Ref>
  readonly count: Ref
  readonly scale: Ref
  readonly carry: Tree<Ref>
  readonly xs: Ref
  readonly targets: Ref
}

/** Forward, backward, clip and update as one graph; the loss and its gradient are scaled to means. */
function trainingGraph(work: Workload, model: Cell, optimizer: Optimizer, batch: Dim): Graph {
  const loss = work.loss === 'squared' ? squaredError : softmaxCrossEntropy
  const line = unroll(model, { steps: 'T', batch, loss })
  const slope = valueAndGradient(line.graph, { of: 'loss', by: ['params'] })
  const classes = work.loss === 'squared' ? model.output : []
  const inputs = {
    params: model.params,
    slots: optimizer.slots(model.params),
    count: [],
    scale: [],
    carry: mapTree(model.carry, isShape, shape => [batch, ...shape]),
    xs: ['T', batch, ...model.input],
    targets: ['T', batch, ...classes],
  }
  return graph(inputs as Tree<Shape>, refs => update(slope, optimizer, refs as unknown as Inputs))
}

function update(slope: Graph, optimizer: Optimizer, inputs: Inputs): Tree<Ref> {
  const { params, slots = {}, count, scale, carry, xs, targets } = inputs
  const made = inline(slope, { params, carry, xs, targets }) as unknown as {
    readonly gradient: { readonly params: Tree<Ref> }
    readonly loss: Ref
  }
  const gradients = mapTree<Ref, Ref>(made.gradient.params, isRef, g => mul(g, scale))
  const step = optimizer.update(gradients, { params, slots, count })
  const next = mapTree<Ref, Ref>(params, isRef, (p, name) => add(p, at(step.updates, name)))
  return { params: next, slots: step.slots, loss: mul(made.loss, scale) }
}

/** The leaf of a tree under a dotted name. */
function at(tree: Tree<Ref>, name: string): Ref {
  return name.split('.').reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], tree) as Ref
}
