import { expect, test } from 'vitest'
import {
  add,
  applyPatches,
  check,
  checkFinite,
  describe,
  edit,
  evaluate,
  type Graph,
  gradient,
  graph,
  live,
  mul,
  parse,
  print,
  prune,
  share,
  substitute,
  tangent,
  tanh,
  toDot,
  toMermaid,
} from '../src/index.js'

/** h ← tanh(w h + x), step after step, as one flat table. */
function chain(steps: number): Graph {
  return graph({ w: [], h: [], x: [] }, ({ w, h, x }) => {
    let state = h
    for (let t = 0; t < steps; t++) state = tanh(add(mul(w, state), x))
    return { loss: state }
  }) as Graph
}

test('20,000 sequential steps are built, differentiated, written, read, changed and run without recursion', () => {
  const g = chain(20_000)
  expect(g.nodes.length).toBe(60_003)
  const slope = gradient(g, { of: 'loss', by: ['w', 'h'] })
  expect(slope.nodes.length).toBeGreaterThan(150_000)
  expect(check(slope)).toBe(slope)
  const text = print(slope)
  const read = check(parse(text))
  expect(print(read)).toBe(text)
  expect(read.shapes).toEqual(slope.shapes)
  expect(prune(slope).nodes.length).toBe(slope.nodes.length)
  expect(share(g).nodes.length).toBe(g.nodes.length)
  expect(tangent(g, { by: ['w'] }).nodes.length).toBeGreaterThan(100_000)
  expect(describe(g).flops).toBe(20_000 * (1 + 1 + 8))
  expect(toDot(slope).length + toMermaid(slope).length).toBeLessThan(200_000)
  const values = { w: 0.5, h: 0.1, x: 0.2 }
  expect(evaluate(slope, values)).toEqual(evaluate(read, values))
  expect(checkFinite(g, values)).toBeUndefined()
  expect(substitute(g, { x: 0.2 }).nodes.length).toBe(g.nodes.length)
  const it = live(g, values)
  it.set({ x: 0.3 })
  expect(it.outputs).toEqual(evaluate(g, { ...values, x: 0.3 }))
}, 60_000)

test('a change in a table of 60,003 nodes costs one patch, and is undone by one', () => {
  const g = chain(20_000)
  const {
    graph: after,
    patches,
    inverse,
  } = edit(g, draft => {
    const node = draft.nodes[30_000]!
    if (node.kind === 'apply') node.op = 'sub'
  })
  expect([patches.length, inverse.length]).toEqual([1, 1])
  expect(print(applyPatches(after, inverse))).toBe(print(g))
}, 60_000)
