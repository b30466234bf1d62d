import {
  edit,
  evaluate,
  type Graph,
  halfSquaredError,
  type Node,
  type Tensor,
  type Values,
  valueAndGradient,
} from '@bptt/graph'
import { describe, expect, test } from 'vitest'
import {
  artbp,
  every,
  fixed,
  lstm,
  reweight,
  stack,
  stateEdges,
  stepsOfValues,
  type Timeline,
  type TimelineOptions,
  unroll,
  windows,
} from '../src/index.js'
import { difference, failure, kinds, sequence } from './support.js'

const model = stack([kinds['gru']!(2, 3), lstm({ inputs: 3, hidden: 2 })])
const flat = (options: Partial<TimelineOptions> = {}): Timeline =>
  unroll(model, { steps: 4, form: 'flat', loss: halfSquaredError, ...options })

describe('every value of a flat timeline', () => {
  test.each<Partial<TimelineOptions>>([{}, { batch: 2, masked: true, resets: true, weighted: true }])(
    'knows its step: as many in each, and none reads a later one: %o',
    options => {
      const line = reweight(flat(options), fixed([0.5, 0.5, 0.5]))
      const steps = stepsOfValues(line)
      const { nodes } = line.graph
      expect(steps).toHaveLength(line.graph.shapes.length)
      const counts = new Map<number | undefined, number>()
      for (const node of nodes) {
        if (node.kind !== 'apply') continue
        const own = steps[node.outputs[0]!]
        counts.set(own, (counts.get(own) ?? 0) + 1)
        for (const read of node.inputs) {
          const before = steps[read]
          if (own !== undefined && before !== undefined) expect([own, own - 1]).toContain(before)
        }
      }
      expect(new Set([2, 3, 4].map(t => counts.get(t))).size).toBe(1)
      expect(counts.get(4)).toBeGreaterThan(20)
      for (const node of nodes) if (node.kind !== 'apply') expect(steps[node.outputs[0]!]).toBeUndefined()
      const loss = line.graph.outputs.find(({ name }) => name === 'loss')!
      expect(steps[loss.value]).toBeUndefined()
    },
  )

  test('has none in a timeline that is folded, or of windows', () => {
    expect(failure(() => stepsOfValues(flat({ form: 'folded' })))).toEqual([
      'bad-form',
      "stepsOfValues: takes a flat timeline; this one is folded: all its steps are one\nhint: unroll(cell, { steps: 10, form: 'flat' })",
    ])
    expect(failure(() => stepsOfValues(windows(flat(), { h: 2 })))[1]).toContain('this one has windows')
  })
})

describe('every state edge', () => {
  const given = sequence(model, [4])

  test('has its name, its weight, and in a flat timeline the values of the carry that passes it', () => {
    const edges = stateEdges(reweight(flat(), every(2)))
    expect(edges.map(({ text, t, weight }) => [text, t, weight])).toEqual([
      ['1 → 2', 1, 1],
      ['2 → 3', 2, 0],
      ['3 → 4', 3, 1],
    ])
    expect(stateEdges(flat({ form: 'folded' })).map(({ text, values }) => [text, values.size])).toEqual([
      ['1 → 2', 0],
      ['2 → 3', 0],
      ['3 → 4', 0],
    ])
    expect(stateEdges(flat({ credit: { kind: 'input', each: false } }))[0]!.weight).toBeUndefined()
    for (const { t, values } of stateEdges(flat())) {
      const { graph } = flat()
      const outputs = [...values].map(([name, value]) => ({ name: `carry.${name}`, value }))
      const there = evaluate({ ...graph, outputs } as Graph, given as Values)
      const xs = { shape: [t, 2], data: given.xs.data.slice(0, 2 * t) }
      const run = evaluate(unroll(model, { steps: t }).graph, {
        params: given.params,
        carry: given.carry,
        xs,
      } as Values)
      expect(difference(there, { carry: (run as { carry: object }).carry })).toBe(0)
    }
    expect(failure(() => stateEdges(unroll(model, { steps: 'T' })))[0]).toBe('bad-steps')
  })

  test('is all that reweighting changes: without its gates the graph is the original', () => {
    const line = flat()
    const gated = reweight(line, artbp({ mean: 2, tail: 4, seed: 3 })).graph
    const through = new Map<number, number>()
    const kept = gated.nodes.filter(node => {
      if (node.kind !== 'apply' || node.op.name !== 'gate') return node.kind !== 'constant'
      through.set(node.outputs[0]!, through.get(node.inputs[0]!) ?? node.inputs[0]!)
      return false
    })
    // values numbered anew, in their order
    const numbers = new Map(kept.flatMap(({ outputs }) => outputs).map((id, i) => [id, i]))
    const said = (node: Node, number: (id: number) => number | undefined): unknown =>
      node.kind === 'apply'
        ? [node.op.name, node.inputs.map(number), node.attrs, node.outputs.map(number)]
        : [node.kind, node.outputs.map(number)]
    const own = line.graph.nodes.filter(({ kind }) => kind !== 'constant')
    const order = new Map(own.flatMap(({ outputs }) => outputs).map((id, i) => [id, i]))
    expect(through.size).toBeGreaterThan(0)
    expect(kept.map(node => said(node, id => numbers.get(through.get(id) ?? id)))).toEqual(
      own.map(node => said(node, id => order.get(id))),
    )
  })

  test('can be cut by hand: an edit of its values is reweight', () => {
    const line = flat()
    const [, edge] = stateEdges(line)
    const steps = stepsOfValues(line)
    const { graph } = edit(line.graph, draft => {
      let fresh = line.graph.shapes.length
      for (const value of edge!.values.values()) {
        const [zero, cut] = [fresh++, fresh++]
        const at = draft.nodes.findIndex(({ outputs }) => outputs.includes(value as never))
        for (const node of draft.nodes)
          if (node.kind === 'apply' && steps[node.outputs[0]!] === edge!.t + 1)
            node.inputs = node.inputs.map(read => (read === value ? cut : read))
        draft.nodes.splice(
          at + 1,
          0,
          { kind: 'constant', value: { shape: [], data: Float64Array.of(0) }, outputs: [zero] },
          { kind: 'apply', op: 'gate', inputs: [value, zero], attrs: {}, outputs: [cut] },
        )
      }
    })
    const gradient = (of: Graph): unknown =>
      (
        evaluate(valueAndGradient(of, { of: 'loss', by: ['params'] }) as Graph, given as Values) as {
          gradient: Tensor
        }
      ).gradient
    const wanted = gradient(reweight(line, every(2)).graph)
    expect(difference(gradient(graph), wanted)).toBe(0)
    expect(difference(gradient(line.graph), wanted)).toBeGreaterThan(1e-3)
  })
})
