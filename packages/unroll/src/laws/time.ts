import {
  add,
  compile,
  evaluate,
  type Graph,
  graph,
  grow,
  inline,
  isRef,
  isTensor,
  leaves,
  mul,
  type Ref,
  sum,
  type Tensor,
  type Tree,
  type Values,
  valueAndGradient,
} from '@bptt/graph'
import { leavesOf } from '../forward/step.js'
import { combined, rowsOf, tensorsOf, treeOf, under } from '../numbers.js'
import { lagsOf } from '../plan.js'
import { reweight } from '../reweight.js'
import { every } from '../schedule.js'
import { windows } from '../windows.js'
import { carryOf, keeping, part } from './batch.js'
import { apart, type CellLaw, firstOf, lagSum, paramsOf, without } from './compare.js'
import type { Found, Subject } from './subject.js'

const CLOSE = 1e-12

const forms: CellLaw = {
  name: 'a flat timeline equals the folded one (14)',
  broken: subject =>
    apart('flat and folded', subject.run(subject.line({ form: 'flat' })), subject.run(subject.line()), CLOSE),
}

const compiled: CellLaw = {
  name: 'a compiled timeline equals the evaluated one (14)',
  broken: subject => {
    const graph = valueAndGradient(subject.line().graph as Graph, {
      of: 'loss',
      by: ['params', 'carry'].filter(name => hasInput(subject, name)),
    }) as Graph
    const made = compile(graph, { dtype: 'float64', flavour: 'portable' }).run(subject.values)
    return apart('compiled and evaluated', tensorsOf(made), tensorsOf(evaluate(graph, subject.values)), 1e-10)
  },
}

const hasInput = (subject: Subject, prefix: string): boolean =>
  subject.line().graph.inputs.some(({ name }) => name === prefix || name.startsWith(`${prefix}.`))

const composed: CellLaw = {
  name: 'unrolling T1 + T2 steps is unrolling T2 after T1, bit for bit (14)',
  broken: subject => {
    const { steps } = subject
    if (steps < 2) return undefined
    const cut = 1 + (subject.seed % (steps - 1))
    const line = subject.line({ steps: 'T' })
    const first = tensorsOf(evaluate(line.graph as Graph, part(subject, 0, cut)))
    const carry = carryOf(first)
    const second = tensorsOf(evaluate(line.graph as Graph, part(subject, cut, steps, carry)))
    const whole = tensorsOf(evaluate(line.graph as Graph, subject.values))
    const ys = rowsOf(whole.get('ys')!, cut, steps)
    return firstOf([
      apart('the later outputs', new Map([['ys', second.get('ys')!]]), new Map([['ys', ys]]), 0),
      apart('the last carry', keeping(second, 'carry'), keeping(whole, 'carry'), 0),
    ])
  },
}

const joined: CellLaw = {
  name: 'the gradient of T1 + T2 steps is that of the first T1, whose carry has the later credit, and that of the rest (14)',
  skip: ({ cell }) => (leavesOf(cell.carry, cell.name).length > 0 ? undefined : 'it has no carry'),
  broken: subject => {
    const { steps } = subject
    if (steps < 2) return undefined
    const cut = 1 + (subject.seed % (steps - 1))
    const first = evaluate(subject.line({ steps: cut }).graph as Graph, part(subject, 0, cut))
    const after = part(subject, cut, steps, carryOf(tensorsOf(first)))
    const later = gradientOf(subject.line({ steps: steps - cut }).graph as Graph, subject, after)
    const credit = treeOf(under(later, 'carry'))
    const owing = withCredit(subject.line({ steps: cut }).graph as Graph, credit as Tree<Tensor>)
    const sooner = gradientOf(owing, subject, part(subject, 0, cut))
    const whole = gradientOf(subject.line().graph as Graph, subject, subject.values)
    const both = combined([paramsOf(sooner), paramsOf(later)].map(found => [1, found] as const))
    return firstOf([
      apart('two gradients by params and one', both, paramsOf(whole), CLOSE),
      apart(
        'the first gradient by the carry and the whole',
        under(sooner, 'carry'),
        under(whole, 'carry'),
        CLOSE,
      ),
    ])
  },
}

/** The gradient of a graph's loss by params and carry. */
function gradientOf(graph: Graph, subject: Subject, values: Values): Found {
  const by = ['params', 'carry'].filter(name => hasInput(subject, name))
  return under(tensorsOf(evaluate(valueAndGradient(graph, { of: 'loss', by }) as Graph, values)), 'gradient')
}

/** A timeline whose loss has credit on the last carry added: ⟨credit, carry⟩. */
function withCredit(line: Graph, credit: Tree<Tensor>): Graph {
  const shapes = grow(line.inputs.map(({ name, value }) => [name, line.shapes[value]!] as const))
  return graph(shapes, inputs => {
    const { carry, loss } = inline(line, inputs as Tree<Ref>) as { carry: Tree<Ref>; loss: Ref }
    const owed = new Map(leaves(credit, isTensor, 'credit'))
    const dots = leaves(carry, isRef, 'carry').map(([name, value]) => sum(mul(value, owed.get(name)!)))
    return { loss: dots.reduce((all, one) => add(all, one), loss) }
  }) as Graph
}

const lagSums: CellLaw = {
  name: 'full BPTT is the sum of all lag terms (15)',
  broken: subject =>
    apart(
      'full and the sum of lags',
      paramsOf(subject.slopes(subject.line())),
      lagSum(subject, () => 1),
      CLOSE,
    ),
}

const sliding: CellLaw = {
  name: 'BPTT(K; 1) is the lag terms 0 to K − 1 (16)',
  broken: subject =>
    firstOf(
      sizes(subject).map(K =>
        apart(
          `BPTT(${K}; 1) and ${K} lags`,
          paramsOf(subject.slopes(windows(subject.line(), { h: K }))),
          lagSum(subject, (t, s) => (t - s < K ? 1 : 0)),
          CLOSE,
        ),
      ),
    ),
}

/** 1, one in between, and more steps than there are. */
const sizes = ({ steps, seed }: Subject): readonly number[] => [
  ...new Set([1, 1 + (seed % steps), steps + 1]),
]

const blocks: CellLaw = {
  name: 'blocks are the lag terms within a block; blocks no shorter than the timeline are full (17)',
  broken: subject =>
    firstOf([
      ...sizes(subject).map(K =>
        apart(
          `every(${K}) and its lags`,
          paramsOf(subject.slopes(reweight(subject.line(), every(K)))),
          lagSum(subject, (t, s) => (Math.floor((t - 1) / K) === Math.floor((s - 1) / K) ? 1 : 0)),
          CLOSE,
        ),
      ),
      apart(
        'every(T) and full',
        subject.run(reweight(subject.line(), every(subject.steps))),
        subject.run(subject.line()),
        0,
      ),
    ]),
}

const overlapping: CellLaw = {
  name: 'BPTT(h; h′) keeps the lags of its windows, BPTT(h; h) is blocks, and values stay bit for bit (17)',
  broken: subject => {
    const { steps, seed } = subject
    const hp = 1 + (seed % Math.max(1, Math.min(3, steps)))
    const h = hp + (seed % 4)
    const form = seed % 2 === 0 ? 'flat' : 'folded'
    const line = windows(subject.line({ form }), { h, every: hp })
    const kept = lagsOf(line.windows!)
    const made = subject.run(line)
    return firstOf([
      apart(
        `the values of BPTT(${h}; ${hp})`,
        without(made, 'gradient'),
        without(subject.run(subject.line({ form })), 'gradient'),
        1e-14,
      ),
      apart(
        `BPTT(${h}; ${hp}) and its lags`,
        paramsOf(subject.slopes(line)),
        lagSum(subject, (t, s) => (t - s < kept[t - 1]! ? 1 : 0)),
        CLOSE,
      ),
      steps % hp === 0
        ? apart(
            `BPTT(${hp}; ${hp}) and blocks`,
            paramsOf(subject.slopes(windows(subject.line(), { h: hp, every: hp }))),
            paramsOf(subject.slopes(reweight(subject.line(), every(hp)))),
            CLOSE,
          )
        : undefined,
    ])
  },
}

const terminal: CellLaw = {
  name: 'with a loss at the last step alone, BPTT(K; 1) keeps exactly K lag terms (18)',
  broken: subject => {
    const { steps, batch } = subject
    const K = 1 + (subject.seed % steps)
    const weights = {
      shape: [steps, batch],
      data: new Float64Array(steps * batch).fill(0).fill(1, (steps - 1) * batch),
    }
    const line = windows(subject.line({ weighted: true }), { h: K })
    const wanted = lagSum(subject, (t, s) => (t === steps && t - s < K ? 1 : 0))
    return apart(
      `the last loss under BPTT(${K}; 1)`,
      paramsOf(subject.slopes(line, { weights })),
      wanted,
      CLOSE,
    )
  },
}

/** Laws of time: unrolling, lags, windows. */
export const timeLaws: readonly CellLaw[] = [
  forms,
  compiled,
  composed,
  joined,
  lagSums,
  sliding,
  blocks,
  overlapping,
  terminal,
]
