import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { op } from '../src/declare.js'
import {
  add,
  evaluate,
  expand,
  type Graph,
  graph,
  live,
  log,
  mul,
  scan,
  slice,
  sum,
  type Tensor,
  tanh,
  tensor,
} from '../src/index.js'
import { message } from './message.js'
import { programs } from './programs.js'

const two = graph({ a: [2], b: [2] }, ({ a, b }) => {
  const left = tanh(mul(a, 2))
  const right = tanh(mul(b, 3))
  return { left, both: add(left, right) }
})

describe('live', () => {
  test('only what reads a changed input is computed again', () => {
    const it = live(two, { a: [1, 2], b: [3, 4] })
    expect(it.computed).toBe(5)
    it.set({ b: [3, 5] })
    expect(it.computed).toBe(5 + 3)
    expect(it.outputs).toEqual(evaluate(two, { a: [1, 2], b: [3, 5] }))
  })
  test('inputs set together are one change, and each node is computed once', () => {
    const it = live(two, { a: [1, 2], b: [3, 4] })
    const seen: unknown[] = []
    it.subscribe(outputs => seen.push(outputs))
    it.set({ a: [0, 1], b: [1, 0] })
    expect(it.computed).toBe(10)
    expect(seen).toEqual([evaluate(two, { a: [0, 1], b: [1, 0] })])
  })
  test('equal values cause no work, and neither do values that come out the same', () => {
    const g = graph({ x: [3], y: [] }, ({ x, y }) => ({
      out: tanh(mul(sum(slice(x, { axis: 0, start: 0, size: 2 })), y)),
    }))
    const it = live(g, { x: [1, 2, 3], y: 1 })
    const start = it.computed
    let calls = 0
    it.subscribe(() => calls++)
    it.set({ x: [1, 2, 3], y: 1 })
    expect([it.computed, calls]).toEqual([start, 0])
    it.set({ x: [1, 2, 99] })
    expect([it.computed, calls]).toEqual([start + 1, 0])
    it.set({ y: Number.NaN })
    it.set({ y: Number.NaN })
    expect([it.computed, calls]).toEqual([start + 3, 1])
  })
  test('tensors that are changed in place and set again are a change', () => {
    const it = live(two, { a: [1, 2], b: [3, 4] })
    const a = tensor([5, 6])
    it.set({ a })
    a.data[0] = 7
    it.set({ a })
    expect(it.outputs).toEqual(evaluate(two, { a: [7, 6], b: [3, 4] }))
  })
  test('another length of a named axis reaches what depends on it, through constants too', () => {
    const g = graph({ x: ['T', 2], h: [2] }, ({ x, h }) => {
      const [end] = scan((c, s) => [add(c, s), {}], { carry: h, xs: add(x, expand(h, { shape: ['T', 2] })) })
      return { end, h: tanh(h) }
    })
    const it = live(g, { x: [[1, 2]], h: [0, 1] })
    it.set({
      x: [
        [1, 2],
        [3, 4],
      ],
    })
    expect(it.outputs).toEqual(
      evaluate(g, {
        x: [
          [1, 2],
          [3, 4],
        ],
        h: [0, 1],
      }),
    )
  })
  test('an error in a change leaves everything as it was', () => {
    const fails = op({
      name: 'picky',
      inputs: ['x'],
      saves: [],
      shape: ([x]) => x!,
      forward: ([x]) => {
        if (x!.data[0]! < 0) throw new Error('negative')
        return x!
      },
      jvp: {},
      vjp: {},
    })
    const g = graph({ x: [], y: [] }, ({ x, y }) => ({ a: tanh(y), b: fails(add(x, y)) }))
    const it = live(g, { x: 1, y: 1 })
    const before = it.outputs
    let calls = 0
    it.subscribe(() => calls++)
    expect(() => it.set({ x: -9, y: 2 })).toThrow('negative')
    expect(message(() => it.set({ z: 1 }))).toMatchInlineSnapshot(`
      "extra-input | input 'z': is not an input; inputs are x, y
      hint: did you mean x?"
    `)
    expect(message(() => it.set({ x: [1] }))).toMatchInlineSnapshot(
      `
      "shape | input 'x': has the shape [1]; the graph declares []
      hint: give every axis of the declared shape, those of length 1 too"
    `,
    )
    expect([it.outputs, calls]).toEqual([before, 0])
    it.set({ x: 3 })
    expect(it.outputs).toEqual(evaluate(g, { x: 3, y: 1 }))
  })
  test('observers that set values again see one change after the other', () => {
    const it = live(two, { a: [1, 1], b: [1, 1] })
    const seen: string[] = []
    it.subscribe(({ left }) => {
      seen.push(`first ${left.data[0] === 0}`)
      if (left.data[0] !== 0) it.set({ a: [0, 0] })
    })
    const stop = it.subscribe(({ left }) => seen.push(`second ${left.data[0] === 0}`))
    it.set({ a: [2, 2] })
    stop()
    it.set({ b: [2, 2] })
    expect(seen).toEqual(['first false', 'second false', 'first true', 'second true', 'first true'])
  })
  test('an observer that throws does not keep the others from hearing', () => {
    const it = live(two, { a: [1, 1], b: [1, 1] })
    let calls = 0
    it.subscribe(() => {
      throw new Error('mine')
    })
    it.subscribe(() => calls++)
    expect(() => it.set({ a: [2, 2] })).toThrow('mine')
    expect(() => it.set({ a: [3, 2] })).toThrow('mine')
    expect(calls).toBe(2)
  })
  test('after any changes, the outputs are those of an evaluation from scratch, and no node is computed twice', () => {
    const changes = fc.array(
      fc.record({
        name: fc.constantFrom('w', 'v', 'x'),
        at: fc.nat(8),
        to: fc.constantFrom(0, 0.5, -1, Number.NaN),
      }),
      {
        minLength: 1,
        maxLength: 4,
      },
    )
    fc.assert(
      fc.property(programs, fc.array(changes, { maxLength: 4 }), ({ graph: g, values }, batches) => {
        const it = live(g, values)
        const applied = g.nodes.filter(node => node.kind === 'apply').length
        expect(it.computed).toBe(applied)
        let now: Readonly<Record<string, Tensor>> = values
        for (const batch of batches) {
          const next = changed(now, batch)
          const before = it.computed
          it.set(next)
          now = { ...now, ...next }
          expect(it.outputs).toEqual(evaluate(g, now))
          expect(it.computed - before).toBeLessThanOrEqual(reached(g, Object.keys(next)))
        }
      }),
      { numRuns: 300 },
    )
  })
  test('a logarithm of a negative number is NaN and no error', () => {
    const g = graph({ x: [] }, ({ x }) => ({ y: log(x) })) as Graph
    const it = live(g, { x: 1 })
    it.set({ x: -1 })
    expect(it.outputs).toEqual({ y: tensor(Number.NaN) })
  })
})

function changed(
  values: Readonly<Record<string, Tensor>>,
  batch: readonly { readonly name: string; readonly at: number; readonly to: number }[],
): Record<string, Tensor> {
  const next: Record<string, Tensor> = {}
  for (const { name, at, to } of batch) {
    const { shape, data } = next[name] ?? values[name]!
    next[name] = { shape, data: data.map((old, i) => (i === at % Math.max(1, data.length) ? to : old)) }
  }
  return next
}

/** Applications that depend on some inputs. */
function reached(g: Graph, names: readonly string[]): number {
  const marks = new Set(g.inputs.filter(port => names.includes(port.name)).map(port => port.value))
  let count = 0
  for (const node of g.nodes) {
    if (node.kind !== 'apply' || !node.inputs.some(id => marks.has(id))) continue
    count++
    for (const id of node.outputs) marks.add(id)
  }
  return count
}
