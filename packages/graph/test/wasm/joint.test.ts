import {
  compile,
  concat,
  evaluate,
  type Graph,
  graph,
  grow,
  inline,
  isRef,
  linear,
  mapTree,
  mean,
  mul,
  type Program,
  pad,
  type Ref,
  square,
  stack,
  sub,
  sum,
  type Tensor,
  tanh,
  valueAndGradient,
} from '@bptt/graph'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { apart, compiled, draw, listOf, reference } from './compile-support.js'
import { type Joining, joiningGraph, joinings, keepOf, startOf, Twin } from './joint-support.js'
import { planned } from './plan-support.js'

/** The copies a program makes. */
const copies = (made: unknown, keep: Readonly<Record<string, string>> = {}): readonly string[] =>
  planned(made, { B: 1 }, keep).instructions.flatMap(one =>
    one.kind === 'fused' && one.name.startsWith('copy') ? [one.name] : [],
  )

const joinOf = 'copy concat'

describe('inputs joined along their first axis', () => {
  test('lie side by side: nothing is copied, and the product reads all of them', () => {
    const made = graph({ x: [1, 3], a: [2, 3], b: [4, 3] }, ({ x, a, b }) => ({
      y: linear(x, concat([a, b])),
    })) as Graph
    expect(copies(made)).toEqual([])
    const inputs = [draw([1, 3], 1), draw([2, 3], 2), draw([4, 3], 3)]
    expect(apart(compiled(made, inputs), reference(made, inputs))).toBeLessThanOrEqual(1e-12)
  })

  test('do where no axis before the joined one is longer than 1, as those that stack makes', () => {
    const behind = graph({ a: [1, 2, 3], b: [1, 4, 3] }, ({ a, b }) => ({
      y: tanh(concat([a, b], { axis: 1 })),
    }))
    expect(copies(behind)).toEqual([])
    const inside = graph({ a: [2, 2], b: [2, 4] }, ({ a, b }) => ({ y: tanh(concat([a, b], { axis: 1 })) }))
    expect(copies(inside)).toEqual([joinOf, joinOf])
  })

  test.each<readonly [string, (values: Readonly<Record<'a' | 'b' | 'c', Ref>>) => Ref, number]>([
    ['one input twice', ({ a, b }) => concat([a, b, a]), 3],
    ['an input and what is made of one', ({ a, b }) => concat([a, tanh(b) as Ref]), 1],
    ['a value of another joint', ({ a, b, c }) => concat([concat([a, b]), c]), 2],
    ['an input of an earlier joint', ({ a, b, c }) => concat([concat([a, b]), concat([b, c])]), 3],
    ['what two joints hold', ({ a, b, c }) => mul(sum(concat([a, b])), concat([c])) as Ref, 0],
    ['what is padded', ({ a }) => pad(a, { axis: 0, start: 1, length: 5 }), 1],
    ['new axes', ({ a, b }) => stack([a, b]), 2],
  ])('and copies are made as ever of %s', (_, join, count) => {
    const made = graph({ a: [2, 3], b: [2, 3], c: [2, 3] }, values => ({
      y: tanh(join(values as never)),
    })) as Graph
    expect(copies(made)).toHaveLength(count)
    const inputs = [1, 2, 3].map(seed => draw([2, 3], seed))
    expect(apart(compiled(made, inputs), reference(made, inputs))).toBeLessThanOrEqual(1e-12)
  })

  test('and copies are made as ever where an axis has a name', () => {
    const made = graph({ a: ['B', 3], b: ['B', 3] }, ({ a, b }) => ({
      y: tanh(concat([a, b], { axis: 1 })),
    })) as Graph
    expect(copies(made)).toEqual([joinOf, joinOf])
    for (const B of [1, 3]) {
      const inputs = [draw([B, 3], 1), draw([B, 3], 2)]
      expect(apart(compiled(made, inputs), reference(made, inputs))).toBeLessThanOrEqual(1e-12)
    }
  })

  test('lie with those of the first joint, where an input has several', () => {
    const made = graph({ a: [2], b: [2], c: [2] }, ({ a, b, c }) => ({
      y: tanh(concat([b, a])),
      z: tanh(concat([c, b])),
    }))
    const places = planned(made).inputs.map(({ view: { buffer, offset } }) => [buffer.size, offset])
    expect(places).toEqual([
      [4, 2],
      [4, 0],
      [2, 0],
    ])
  })

  test('take no more memory than one value of their size', () => {
    const size = (made: unknown): number =>
      planned(made).buffers.reduce((total, buffer) => total + buffer.size, 0)
    const whole = graph({ a: [6, 3] }, ({ a }) => ({ y: tanh(a) }))
    const parts = graph({ a: [1, 3], b: [5, 3] }, ({ a, b }) => ({ y: tanh(concat([a, b])) }))
    expect(size(parts)).toBe(size(whole))
  })
})

describe('the next values of joined inputs', () => {
  const made = graph({ a: [2, 3], b: [4, 3], r: [] }, ({ a, b, r }) => ({
    a: mul(a, r),
    b: mul(b, r),
    y: sum(square(concat([a, b]))),
  })) as Graph

  test('lie side by side too, and all change places at once', () => {
    const plan = planned(made, {}, { a: 'a', b: 'b' })
    expect(plan.swaps).toHaveLength(1)
    expect(copies(made, { a: 'a', b: 'b' })).toEqual([])
  })

  test('are missing of some: each input has its place, and copies are made', () => {
    const plan = planned(made, {}, { b: 'b' })
    expect(plan.swaps).toHaveLength(1)
    expect(copies(made, { b: 'b' })).toEqual([joinOf, joinOf])
  })

  test('are missing of inputs that stay: of all, nothing is copied nor changes places; of some, it is as above', () => {
    const frozen = graph({ a: [2, 3], b: [4, 3] }, ({ a, b }) => ({
      a,
      b,
      c: mul(b, 2),
      y: sum(square(concat([a, b]))),
    }))
    const all = planned(frozen, {}, { a: 'a', b: 'b' })
    expect([all.swaps, copies(frozen, { a: 'a', b: 'b' })]).toEqual([[], []])
    expect(copies(frozen, { a: 'a', c: 'b' })).toEqual([joinOf, joinOf, 'copy b'])
  })
})

/** What is done with a program; `which` are inputs that get new values. */
const actions = fc.array(
  fc.record({
    kind: fc.constantFrom('run', 'step', 'write', 'commit'),
    commit: fc.boolean(),
    which: fc.nat(31),
  }),
  { minLength: 1, maxLength: 8 },
)

type Action = typeof actions extends fc.Arbitrary<readonly (infer A)[]> ? A : never

function act(
  program: Program,
  twin: Twin,
  made: Joining,
  { kind, commit, which }: Action,
  seed: number,
): void {
  const kept = new Set(Object.values(keepOf(made)))
  const chosen = Object.entries(startOf(made, 10 * seed)).filter(
    ([name], i) => (name !== 'f' && (which >> i) % 2 === 1) || (kind === 'run' && !kept.has(name)),
  )
  if (kind === 'run' || kind === 'write') for (const [name, value] of chosen) twin.write(name, value)
  if (kind === 'write') for (const [name, { data }] of chosen) program.view(name).set(data)
  if (kind === 'run') program.run(Object.fromEntries(chosen) as never, { commit })
  if (kind === 'step') program.step({ commit })
  if (kind === 'run' || kind === 'step') twin.run()
  const commits = kind === 'commit' || (commit && kind !== 'write')
  if (kind === 'commit') program.commit()
  if (commits) twin.commit()
}

describe('programs that join their inputs in any way', () => {
  test.each([
    ['float64', 1e-12],
    ['float32', 1e-4],
  ] as const)('go on like evaluate in %s, whatever is kept, written, read and committed', (dtype, most) => {
    fc.assert(
      fc.property(joinings, actions, (made, all) => {
        const [form, keep, start] = [joiningGraph(made), keepOf(made), startOf(made, 1)]
        const program = compile(form, { dtype, keep })
        const twin = new Twin(form, keep, start)
        program.run(start as never, { commit: false })
        twin.run()
        for (const [i, action] of all.entries()) {
          act(program, twin, made, action, i + 1)
          const [found, expected] = twin.compare(program)
          expect(apart(found, expected)).toBeLessThanOrEqual(most)
        }
        expect(program.describe().memory).toBe(program.size().memory)
      }),
      { numRuns: 150, seed: 1 },
    )
  })
})

/** A step of descent for a layer whose gates have matrices of their own and are computed as one product. */
const training = (() => {
  const params = { i: { W: [4, 3], b: [4] }, f: { W: [5, 3], b: [5] }, o: { W: [1, 3], b: [1] } }
  type Gates = Readonly<Record<'i' | 'f' | 'o', Readonly<Record<'W' | 'b', Ref>>>>
  const loss = graph({ params, x: ['B', 3] }, ({ params: given, x }) => {
    const { i, f, o } = given as Gates
    const z = linear(x, concat([i.W, f.W, o.W]), concat([i.b, f.b, o.b]))
    return { loss: mean(square(sub(tanh(z), 0.3))) }
  })
  const slope = valueAndGradient(loss, { of: 'loss', by: ['params'] }) as Graph
  return graph({ params, x: ['B', 3] }, given => {
    const made = inline(slope, given as never) as never as { loss: Ref; gradient: { params: Gates } }
    const next = mapTree<Ref, Ref>(given.params as Gates, isRef, (value, name) => {
      const [gate, part] = name.split('.') as ['i', 'W']
      return sub(value, mul(made.gradient.params[gate][part], 0.2)) as Ref
    })
    return { params: next, loss: made.loss }
  }) as unknown as Graph
})()

describe('a layer of gates with matrices of their own', () => {
  const names = training.inputs.map(({ name }) => name).filter(name => name !== 'x')
  const start = Object.fromEntries(
    names.map((name, i) => [name, draw(training.shapes[training.inputs[i]!.value] as readonly number[], i)]),
  )

  test.each([1, 2])('learns as evaluate does in %s threads, with nothing joined by copies', threads => {
    const program = compile(training, { dtype: 'float64', keep: { params: 'params' }, threads })
    let state: Readonly<Record<string, Tensor>> = start
    for (const [step, B] of [8, 8, 1, 5, 9].entries()) {
      const x = draw([B, 3], 20 + step)
      const given = step === 0 ? { ...start, x } : { x }
      const { loss } = program.run(grow(Object.entries(given)) as never) as { loss: Tensor }
      const expected = listOf(training, evaluate(training, grow(Object.entries({ ...state, x })) as never))
      state = Object.fromEntries(names.map((name, i) => [name, expected[i]!]))
      expect(apart([...names.map(program.read), loss], expected)).toBeLessThanOrEqual(1e-12)
      expect(program.plan()).not.toContain(joinOf)
    }
  })
})
