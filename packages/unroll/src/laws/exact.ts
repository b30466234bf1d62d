import { evaluate, type Graph, type Tensor, type Values, valueAndGradient } from '@bptt/graph'
import { checkGradients, showReport } from '@bptt/graph/laws'
import { checkpointed } from '../checkpoint/run.js'
import type { Batch } from '../diagnose/lags.js'
import { rtrl } from '../forward/index.js'
import { leavesOf } from '../forward/step.js'
import { tensorsOf, under } from '../numbers.js'
import { reweight } from '../reweight.js'
import { artbp, every, full, type Schedule, weightsOf } from '../schedule.js'
import { unroll } from '../unroll.js'
import { apart, type CellLaw, firstOf, paramsOf } from './compare.js'
import { type Found, lawLoss, type Subject } from './subject.js'

const differences: CellLaw = {
  name: 'the gradient of the timeline is that of finite differences (4)',
  broken: subject => {
    const given = subject.values as Record<string, unknown>
    const by = ['params', 'carry'].filter(name => given[name] !== undefined)
    if (by.length === 0) return undefined
    const report = checkGradients(
      subject.line().graph as Graph,
      { by, values: subject.values, seed: subject.seed } as never,
    )
    return report.ok ? undefined : showReport(report)
  },
}

/** The sequence of the first example, without the batch axis. */
function single({ values, batch }: Subject): Values {
  const { params, carry, xs, targets } = values as unknown as Batch
  const pick = (tensor: Tensor, axis: number): Tensor => {
    const inner = tensor.shape.slice(axis + 1).reduce((product, length) => product * length, 1)
    const data = tensor.data.filter((_, i) => Math.floor(i / inner) % batch === 0)
    return { shape: tensor.shape.filter((_, i) => i !== axis), data }
  }
  const state = [...tensorsOf(carry)].map(([name, tensor]) => [name, pick(tensor, 0)] as const)
  const flat = Object.fromEntries(state.map(([name, tensor]) => [`carry.${name}`, tensor]))
  const given = Object.fromEntries([...tensorsOf(params)].map(([name, tensor]) => [`params.${name}`, tensor]))
  return { ...given, ...flat, xs: pick(xs, 1), targets: pick(targets, 1) } as Values
}

const forward: CellLaw = {
  name: 'real-time recurrent learning is BPTT, with the same weights on its edges (19, 20, 36)',
  broken: subject => {
    const { cell, steps, seed } = subject
    const known = [cell.params, cell.carry].every(tree => leavesOf(tree, cell.name).length > 0)
    const state = leavesOf(cell.carry, cell.name).reduce(
      (sum, [, shape]) => sum + shape.reduce((a, b) => a * b, 1),
      0,
    )
    if (!known || state > 12) return undefined
    const graph = rtrl(cell, { steps, loss: lawLoss(1), credit: true })
    const schedules: readonly Schedule[] = [full(), every(1 + (seed % 3)), artbp({ mean: 2, seed })]
    return firstOf(
      schedules.map(schedule => {
        const values = single(subject)
        const line = reweight(unroll(cell, { steps, loss: lawLoss(1) }), schedule)
        const slope = valueAndGradient(line.graph as Graph, { of: 'loss', by: ['params'] }) as Graph
        const reverse = tensorsOf(evaluate(slope, values))
        const credit = [1, ...weightsOf(schedule, steps)]
        const made = tensorsOf(evaluate(graph, { ...(values as object), credit } as Values))
        return apart(
          `RTRL and BPTT under ${schedule.text}`,
          paramsOf(under(made, 'gradient')),
          paramsOf(under(reverse, 'gradient')),
          1e-11,
        )
      }),
    )
  },
}

const checkpoints: CellLaw = {
  name: 'checkpoints give the gradient of plain BPTT, bit for bit, and hold no more states than planned (21)',
  broken: subject => {
    const { steps, seed } = subject
    const line = reweight(subject.line(), artbp({ mean: 3, seed }))
    const plain = paramsOf(subject.slopes(line))
    return firstOf(
      [{ every: 1 + (seed % steps) }, { snapshots: 1 + (seed % 3) }].map(plan => {
        const made = checkpointed(line, plan)
        const { gradient, heldStates } = made.run(subject.values)
        if (heldStates > made.plan.held)
          return `${JSON.stringify(plan)} holds ${heldStates} states and plans ${made.plan.held}`
        return apart(
          `checkpoints ${JSON.stringify(plan)}`,
          under(tensorsOf(gradient), 'params') as Found,
          plain,
          0,
        )
      }),
    )
  },
}

/** Laws of what is exact in other ways: finite differences, forward mode, checkpoints. */
export const exactLaws: readonly CellLaw[] = [differences, forward, checkpoints]
