import {
  compile,
  evaluate,
  type Graph,
  squaredError,
  type Tensor,
  type Values,
  valueAndGradient,
} from '@bptt/graph'
import { opLaws } from '@bptt/graph/laws'
import { describe, expect, test } from 'vitest'
import { clipCreditByNormOp, clipCreditOp } from '../src/credit/ops.js'
import { zeroOrOneOp } from '../src/flags.js'
import {
  artbp,
  creditDocument,
  elman,
  every,
  fixed,
  linearNet,
  padded,
  patchCredit,
  patternsOf,
  print,
  random as randomCuts,
  reweight,
  toDot,
  toMermaid,
  unroll,
} from '../src/index.js'
import { difference, random, randomTree, slopes } from './support.js'

const net = linearNet({ inputs: 1, hidden: 1, outputs: 1 })

describe('a drawing of a timeline', () => {
  const line = reweight(unroll(net, { steps: 3, loss: squaredError }), fixed([0, 1.5]))

  test('shows every step of a short one, with cuts dotted', () => {
    expect(toMermaid(line)).toMatchInlineSnapshot(`
      "flowchart LR
        carry["carry 0"]
        x1["x 1"]
        s1["linear 1"]
        y1["loss 1"]
        x2["x 2"]
        s2["linear 2"]
        y2["loss 2"]
        x3["x 3"]
        s3["linear 3"]
        y3["loss 3"]
        carry --> s1
        x1 --> s1
        s1 --> y1
        x2 --> s2
        s2 --> y2
        x3 --> s3
        s3 --> y3
        s1 -.->|"0"| s2
        s2 -->|"1.5"| s3"
    `)
    expect(toDot(line)).toMatchInlineSnapshot(`
      "digraph {
        rankdir=LR
        carry [shape=box, label="carry 0"]
        x1 [shape=box, label="x 1"]
        s1 [shape=box, label="linear 1"]
        y1 [shape=box, label="loss 1"]
        x2 [shape=box, label="x 2"]
        s2 [shape=box, label="linear 2"]
        y2 [shape=box, label="loss 2"]
        x3 [shape=box, label="x 3"]
        s3 [shape=box, label="linear 3"]
        y3 [shape=box, label="loss 3"]
        carry -> s1 [label=""]
        x1 -> s1 [label=""]
        s1 -> y1 [label=""]
        x2 -> s2 [label=""]
        s2 -> y2 [label=""]
        x3 -> s3 [label=""]
        s3 -> y3 [label=""]
        s1 -> s2 [label="0", style=dotted]
        s2 -> s3 [label="1.5"]
      }"
    `)
  })

  test('shows the cell once, with the time axis, for a long one', () => {
    expect(toMermaid(reweight(unroll(net, { steps: 20 }), every(5)))).toMatchInlineSnapshot(`
      "flowchart LR
        carry["carry 0"]
        x["x t"]
        cell["linear, t = 1 to 20"]
        y["y t"]
        carry --> cell
        x --> cell
        cell -->|"t to t + 1: ────│────│────│────"| cell
        cell --> y"
    `)
    expect(toDot(unroll(net, { steps: 'T', credit: { kind: 'input', each: false } }))).toMatchInlineSnapshot(`
      "digraph {
        rankdir=LR
        carry [shape=box, label="carry 0"]
        x [shape=box, label="x t"]
        cell [shape=box, label="linear, t = 1 to T"]
        y [shape=box, label="y t"]
        carry -> cell [label=""]
        x -> cell [label=""]
        cell -> cell [label="t to t + 1: credit given at run time"]
        cell -> y [label=""]
      }"
    `)
    expect(toMermaid(line, { form: 'once' })).toContain('t to t + 1: │━')
  })
})

describe('reweight', () => {
  test('says what it changed, as patches, and undoes it', () => {
    const line = unroll(net, { steps: 5 })
    const cut = reweight(line, every(2))
    expect(cut.patches).toEqual([
      { op: 'replace', path: ['weights', 1], value: 0 },
      { op: 'replace', path: ['weights', 3], value: 0 },
    ])
    expect(creditDocument(patchCredit(cut, cut.inverse))).toEqual({ weights: [1, 1, 1, 1] })
    expect(print(patchCredit(line, cut.patches))).toBe(print(cut))
  })

  test('gives every example of a batch cuts of its own where asked', () => {
    const line = reweight(unroll(net, { steps: 30, batch: 2 }), artbp({ mean: 3, seed: 1 }), { each: true })
    const [first, second] = print(line).split('\n')
    expect(first).toHaveLength(29)
    expect(first).not.toBe(second)
    expect(first).toBe(print(reweight(unroll(net, { steps: 30 }), artbp({ mean: 3, seed: 1 }))))
  })

  test('refuses examples it cannot count and patches that do not fit', () => {
    expect(() =>
      reweight(unroll(net, { steps: 3 }), every(2), { each: true }),
    ).toThrowErrorMatchingInlineSnapshot(
      `
      [GraphError: reweight: each asks for weights per example of no batch; it needs a number of examples
      hint: unroll(cell, { steps, batch: 8 })]
    `,
    )
    expect(() =>
      reweight(unroll(net, { steps: 3, batch: 'B' }), every(2), { each: true }),
    ).toThrowErrorMatchingInlineSnapshot(
      `
      [GraphError: reweight: each asks for weights per example of a batch of 'B'; it needs a number of examples
      hint: unroll(cell, { steps, batch: 8 })]
    `,
    )
    expect(() =>
      patchCredit(unroll(net, { steps: 3 }), [{ op: 'replace', path: ['nothing', 'there', 1], value: 0 }]),
    ).toThrowErrorMatchingInlineSnapshot(`
      [GraphError: patchCredit: the patches do not fit the timeline: [Immer] Cannot apply patch, path doesn't resolve: nothing/there/1
      hint: apply patches to the timeline that was reweighted, and inverse patches to the result]
    `)
  })
})

describe('a mask', () => {
  const cell = elman({ inputs: 2, hidden: 3 })
  const lengths = [4, 2, 3]
  const xs = lengths.map((length, b) => random([length, 2], 10 + b))
  const targets = lengths.map((length, b) => random([length, 3], 20 + b))
  const params = randomTree(cell.params, 1)
  const carry = randomTree(cell.carry, 2, [3])

  test.each(['flat', 'folded'] as const)(
    'makes a padded batch the sum of its sequences, each on its own, in a %s timeline',
    form => {
      const { values, mask } = padded(xs)
      const line = unroll(cell, { steps: 4, batch: 3, form, loss: squaredError, masked: true })
      const whole = slopes(line.graph, ['params', 'carry', 'xs'], {
        params,
        carry,
        xs: values,
        targets: padded(targets).values,
        mask,
      }) as { loss: Tensor; gradient: { params: unknown }; carry: { h: Tensor } }
      const alone = lengths.map((steps, b) => {
        const h = { shape: [3], data: (carry as { h: Tensor }).h.data.slice(3 * b, 3 * b + 3) }
        return slopes(unroll(cell, { steps, loss: squaredError }).graph, ['params'], {
          params,
          carry: { h },
          xs: xs[b]!,
          targets: targets[b]!,
        }) as { loss: Tensor; gradient: { params: Record<string, Tensor> }; carry: { h: Tensor } }
      })
      const total = Object.fromEntries(
        Object.entries(alone[0]!.gradient.params).map(([name, { shape, data }]) => [
          name,
          {
            shape,
            data: data.map((_, i) =>
              alone.reduce((sum, one) => sum + one.gradient.params[name]!.data[i]!, 0),
            ),
          },
        ]),
      )
      expect(difference(whole.gradient.params, total)).toBeLessThan(1e-13)
      expect(whole.loss.data[0]).toBeCloseTo(
        alone.reduce((sum, one) => sum + one.loss.data[0]!, 0),
        13,
      )
      expect([...whole.carry.h.data]).toEqual(alone.flatMap(one => [...one.carry.h.data]))
    },
  )

  test('of anything but 0 and 1 is refused, evaluated and compiled', () => {
    const graph = valueAndGradient(
      unroll(cell, { steps: 2, loss: squaredError, masked: true }).graph as Graph,
      { of: 'loss', by: ['params'] },
    ) as Graph
    const given = {
      params,
      carry: { h: [0, 0, 0] },
      xs: random([2, 2], 1),
      targets: random([2, 3], 2),
      mask: [1, 0.5],
    }
    expect(() => evaluate(graph, given as Values)).toThrowErrorMatchingInlineSnapshot(`
      [GraphError: input 'mask': is 0.5 at place 1; a mask is 0 where a step is left out, else 1
      hint: weights (weighted: true) scale losses]
    `)
    expect(() => compile(graph).run(given as Values)).toThrow('is 0.5 at place 1')
  })

  test('of sequences that do not fit is refused', () => {
    expect(() => padded([])).toThrowErrorMatchingInlineSnapshot(
      `
      [GraphError: padded: has no sequence; a batch has at least one
      hint: leave out the batches that are empty]
    `,
    )
    expect(() => padded([random([2, 2], 1), random([2, 3], 1)])).toThrowErrorMatchingInlineSnapshot(
      `
      [GraphError: padded: sequence 1 is [2, 3] and sequence 0 is [2, 2]; they differ in their first axis only
      hint: a sequence is [steps, …], with the same axes behind the first]
    `,
    )
    expect(() => padded([random([3, 2], 1)], { steps: 2 })).toThrowErrorMatchingInlineSnapshot(
      `
      [GraphError: padded: sequence 0 has 3 steps; steps is 2, no fewer
      hint: leave steps out for those of the longest sequence]
    `,
    )
  })
})

describe('the ops of this package', () => {
  test('obey the laws of ops', () => {
    expect(opLaws(zeroOrOneOp.spec, { points: 2 }).findings).toEqual([])
    expect(opLaws(clipCreditOp.spec, { points: 2 }).findings).toEqual([])
    expect(opLaws(clipCreditByNormOp.spec, { points: 2 }).findings).toEqual([])
  })
})

describe('patterns', () => {
  test('of a schedule without coins are one', () => {
    expect(patternsOf(every(2), 4)).toEqual([{ probability: 1, weights: [1, 0, 1] }])
  })

  test('of ARTBP have probabilities that sum to 1, and mean weights of 1', () => {
    for (const schedule of [artbp({ mean: 4 }), artbp({ mean: 2, tail: 4 })]) {
      const all = patternsOf(schedule, 8)
      expect(all).toHaveLength(128)
      expect(all.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 13)
      for (let edge = 0; edge < 7; edge++)
        expect(
          all.reduce((sum, { probability, weights }) => sum + probability * weights[edge]!, 0),
        ).toBeCloseTo(1, 13)
    }
  })

  test('of random cuts have mean weights below 1', () => {
    expect(
      patternsOf(randomCuts({ c: 0.25 }), 3).reduce(
        (sum, { probability, weights }) => sum + probability * weights[0]!,
        0,
      ),
    ).toBeCloseTo(0.75, 14)
  })

  test('beyond 2^14 are refused', () => {
    expect(() => patternsOf(artbp({ mean: 4 }), 16)).toThrowErrorMatchingInlineSnapshot(`
      [GraphError: patternsOf: 16 steps have 2^15 patterns; at most 2^14 are listed
      hint: draw samples: weightsOf(schedule, steps, stream)]
    `)
  })
})
