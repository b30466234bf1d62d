import { evaluate, type Graph, type Values, valueAndGradient } from '@bptt/graph'
import { checkGradients, showReport } from '@bptt/graph/laws'
import { checkpointed } from '../checkpoint/run.js'
import { rtrl } from '../forward/index.js'
import { tensorsOf, under } from '../numbers.js'
import { reweight } from '../reweight.js'
import { artbp, every, full, type Schedule, weightsOf } from '../schedule.js'
import { unroll } from '../unroll.js'
import { single, smallState } from './chain.js'
import { apart, type CellLaw, firstOf, paramsOf } from './compare.js'
import { type Found, lawLoss } from './subject.js'

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

const forward: CellLaw = {
  name: 'real-time recurrent learning is BPTT, with the same weights on its edges (19, 20, 36)',
  skip: smallState,
  broken: subject => {
    const { cell, steps, seed } = subject
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
