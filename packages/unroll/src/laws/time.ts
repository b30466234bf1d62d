import {
  compile,
  evaluate,
  filled,
  type Graph,
  grow,
  type Tensor,
  type Values,
  valueAndGradient,
} from '@bptt/graph'
import { rowsOf, tensorsOf } from '../numbers.js'
import { lagsOf } from '../plan.js'
import { reweight } from '../reweight.js'
import { every } from '../schedule.js'
import { windows } from '../windows.js'
import { apart, type CellLaw, firstOf, lagSum, paramsOf, without } from './compare.js'
import type { Found, Subject } from './subject.js'

const CLOSE = 1e-12

/** Rows of every sequence of a subject. */
function part({ values }: Subject, start: number, end: number, more: object = {}): Values {
  const { xs, targets, ...rest } = values as { xs: Tensor; targets: Tensor }
  return { ...rest, xs: rowsOf(xs, start, end), targets: rowsOf(targets, start, end), ...more } as Values
}

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
      apart('the last carry', under(second, 'carry'), under(whole, 'carry'), 0),
    ])
  },
}

const under = (found: Found, prefix: string): Found =>
  new Map([...found].filter(([name]) => name === prefix || name.startsWith(`${prefix}.`)))

/** The carry of a run, as values. */
function carryOf(found: Found): object {
  const carry = [...under(found, 'carry')]
  return carry.length === 0 ? {} : (grow(carry) as object)
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

const batches: CellLaw = {
  name: 'the gradient of a batch is the sum of its examples’ (23)',
  broken: subject => {
    const { batch, steps } = subject
    const each = Array.from({ length: batch }, (_, b) => {
      const data = new Float64Array(steps * batch).map((_, i) => (i % batch === b ? 1 : 0))
      return subject.slopes(subject.line({ weighted: true }), { weights: { shape: [steps, batch], data } })
    })
    const total = new Map(
      [...each[0]!].map(([name, { shape, data }]) => [
        name,
        { shape, data: data.map((_, i) => each.reduce((sum, one) => sum + one.get(name)!.data[i]!, 0)) },
      ]),
    )
    return apart('examples and batch', total, subject.slopes(subject.line()), CLOSE)
  },
}

const padding: CellLaw = {
  name: 'appended masked steps change nothing (24)',
  broken: subject => {
    const { steps, batch } = subject
    const more = 1 + (subject.seed % 3)
    const { xs, targets } = subject.values as { xs: Tensor; targets: Tensor }
    const longer = ({ shape, data }: Tensor, fill = 0): Tensor => {
      const size = (data.length / steps) * (steps + more)
      const out = new Float64Array(size).fill(fill)
      out.set(data)
      return { shape: [steps + more, ...shape.slice(1)], data: out }
    }
    const mask = longer({ shape: [steps, batch], data: new Float64Array(steps * batch).fill(1) })
    const padded = subject.run(subject.line({ steps: steps + more, masked: true }), {
      xs: longer(xs),
      targets: longer(targets, 1),
      mask,
    })
    const trimmed = new Map(
      [...padded].map(([name, value]) => [
        name,
        ['ys', 'losses', 'gradient.xs'].includes(name) ? rowsOf(value, 0, steps) : value,
      ]),
    )
    return apart('padded and plain', trimmed, subject.run(subject.line()), CLOSE)
  },
}

const resets: CellLaw = {
  name: 'a reset starts anew from the zero carry, and no credit passes it',
  broken: subject => {
    const { steps, batch } = subject
    const at = subject.seed % steps
    const reset = {
      shape: [steps, batch],
      data: new Float64Array(steps * batch).fill(0).fill(1, at * batch, (at + 1) * batch),
    }
    const line = subject.line({ resets: true })
    const made = subject.run(line, { reset })
    const carry = line.graph.inputs.filter(({ name }) => name.startsWith('carry.'))
    const zero = carryOf(
      new Map(carry.map(({ name, value }) => [name, filled(line.graph.shapes[value] as number[], 0)])),
    )
    const anew = tensorsOf(
      evaluate(subject.line({ steps: 'T' }).graph as Graph, part(subject, at, steps, zero)),
    )
    return firstOf([
      apart(
        'outputs after a reset',
        new Map([['ys', rowsOf(made.get('ys')!, at, steps)]]),
        new Map([['ys', anew.get('ys')!]]),
        1e-14,
      ),
      apart(
        'credit over a reset',
        paramsOf(subject.slopes(line, { reset })),
        afterReset(subject, reset, at),
        CLOSE,
      ),
    ])
  },
}

/** The gradient with the reset, put together from the two halves, each on its own. */
function afterReset(subject: Subject, reset: Tensor, at: number): Found {
  const { steps, batch } = subject
  const half = (start: number, end: number): Found => {
    const data = new Float64Array(steps * batch).fill(0).fill(1, start * batch, end * batch)
    const weights = { shape: [steps, batch], data }
    const cut = reweight(subject.line({ resets: true, weighted: true }), {
      text: 'cut',
      weight: ({ t }) => (t === at ? 0 : 1),
    })
    return paramsOf(subject.slopes(cut, { reset, weights }))
  }
  const [before, after] = [half(0, at), half(at, steps)]
  return new Map(
    [...before].map(([name, { shape, data }]) => [
      name,
      { shape, data: data.map((x, i) => x + after.get(name)!.data[i]!) },
    ]),
  )
}

/** Laws of time: unrolling, lags, windows, batches, padding, resets. */
export const timeLaws: readonly CellLaw[] = [
  forms,
  compiled,
  composed,
  lagSums,
  sliding,
  blocks,
  overlapping,
  terminal,
  batches,
  padding,
  resets,
]
