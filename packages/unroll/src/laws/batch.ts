import { evaluate, filled, type Graph, grow, sizeOf, type Tensor, type Values } from '@bptt/graph'
import { combined, rowsOf, tensorsOf, treeOf } from '../numbers.js'
import { reweight } from '../reweight.js'
import { apart, type CellLaw, firstOf, paramsOf } from './compare.js'
import type { Found, Subject } from './subject.js'

const CLOSE = 1e-12

/** Rows of every sequence of a subject. */
export function part({ values }: Subject, start: number, end: number, more: object = {}): Values {
  const { xs, targets, ...rest } = values as { xs: Tensor; targets: Tensor }
  return { ...rest, xs: rowsOf(xs, start, end), targets: rowsOf(targets, start, end), ...more } as Values
}

/** What stands under a name, name and all. */
export const keeping = (found: Found, prefix: string): Found =>
  new Map([...found].filter(([name]) => name === prefix || name.startsWith(`${prefix}.`)))

/** The carry of a run, as values. */
export function carryOf(found: Found): object {
  const carry = [...keeping(found, 'carry')]
  return carry.length === 0 ? {} : (grow(carry) as object)
}

const batches: CellLaw = {
  name: 'the gradient of a batch is the sum of its examples’, that of its mean loss their mean (23)',
  broken: subject => {
    const { batch, steps } = subject
    const weighted = (weight: (b: number) => number): Found => {
      const data = new Float64Array(steps * batch).map((_, i) => weight(i % batch))
      return subject.slopes(subject.line({ weighted: true }), { weights: { shape: [steps, batch], data } })
    }
    const each = Array.from({ length: batch }, (_, b) => weighted(other => (other === b ? 1 : 0)))
    const sumOf = (weight: number): Found => combined(each.map(one => [weight, one] as const))
    return firstOf([
      apart('examples and batch', sumOf(1), subject.slopes(subject.line()), CLOSE),
      apart(
        'the mean of examples and the mean loss',
        sumOf(1 / batch),
        weighted(() => 1 / batch),
        CLOSE,
      ),
    ])
  },
}

const reordered: CellLaw = {
  name: 'examples in another order have their gradients in that order (23)',
  broken: subject => {
    const { values } = subject
    const turned = new Map([...tensorsOf(values)].map(([name, value]) => [name, turn(name, value)]))
    const there = subject.run(subject.line(), treeOf(turned) as Values)
    const here = [...subject.run(subject.line())].map(([name, value]) => [name, turn(name, value)] as const)
    return apart('examples in reverse order and in order', there, new Map(here), CLOSE)
  },
}

/** A value with its examples in reverse order: parameters and the loss have none, the carry has them first, sequences second. */
function turn(name: string, { shape, data }: Tensor): Tensor {
  const bareName = name.replace(/^gradient\./, '')
  if (bareName === 'loss' || /^params(\.|$)/.test(bareName)) return { shape, data }
  const axis = /^carry(\.|$)/.test(bareName) ? 0 : 1
  const inner = sizeOf(shape.slice(axis + 1))
  const batch = shape[axis]!
  const from = (k: number): number => {
    const b = Math.floor(k / inner) % batch
    return k + (batch - 1 - 2 * b) * inner
  }
  return { shape, data: data.map((_, k) => data[from(k)]!) }
}

const padding: CellLaw = {
  name: 'masked steps change nothing, before a sequence and after it (24)',
  broken: subject => firstOf([true, false].map(before => padded(subject, before))),
}

/** What masked steps before or after a sequence change. */
function padded(subject: Subject, before: boolean): string | undefined {
  const { steps, batch } = subject
  const more = 1 + (subject.seed % 3)
  const first = before ? more : 0
  const { xs, targets } = subject.values as { xs: Tensor; targets: Tensor }
  const longer = ({ shape, data }: Tensor, fill = 0): Tensor => {
    const row = data.length / steps
    const out = new Float64Array(row * (steps + more)).fill(fill)
    out.set(data, first * row)
    return { shape: [steps + more, ...shape.slice(1)], data: out }
  }
  const mask = longer({ shape: [steps, batch], data: new Float64Array(steps * batch).fill(1) })
  const made = subject.run(subject.line({ steps: steps + more, masked: true }), {
    xs: longer(xs),
    targets: longer(targets, 1),
    mask,
  })
  const trimmed = [...made].map(([name, value]) => {
    const rows = ['ys', 'losses', 'gradient.xs'].includes(name)
    return [name, rows ? rowsOf(value, first, first + steps) : value] as const
  })
  return apart(
    `padded ${before ? 'before' : 'after'} and plain`,
    new Map(trimmed),
    subject.run(subject.line()),
    CLOSE,
  )
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

/** Laws of examples side by side: batches, padding, resets. */
export const batchLaws: readonly CellLaw[] = [batches, reordered, padding, resets]
