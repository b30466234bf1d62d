import { add, compile, evaluate, type Graph, graph, mul, sum, type Tensor } from '@bptt/graph'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { apart, bits, draw } from './compile-support.js'
import { keep, leavesOf, start, stateNames, stateOf, update } from './resident-support.js'

const float64 = { dtype: 'float64' } as const
type Made = typeof start & { readonly loss: Tensor; readonly start: Tensor }

describe('resident state', () => {
  test('after 50 updates is that of a fold with evaluate; kept outputs are not returned', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(12), { minLength: 50, maxLength: 50 }), lengths => {
        const program = compile(update, { ...float64, keep })
        let state: unknown = start
        lengths.forEach((T, i) => {
          const xs = draw([T, 7], i)
          const expected = evaluate(update, { ...(state as object), xs } as never) as unknown as Made
          const found = program.run({ ...(i === 0 ? start : {}), xs } as never) as unknown as Made
          expect(Object.keys(found)).toEqual(['loss', 'start'])
          expect(apart([found.loss, found.start], [expected.loss, expected.start])).toBeLessThanOrEqual(1e-12)
          const { params, slots, carry } = expected
          state = { params, slots, carry }
          expect(apart(stateOf(program), leavesOf(state))).toBeLessThanOrEqual(1e-12)
        })
      }),
      { numRuns: 5, seed: 1 },
    )
  })

  test('stays where a run is not committed; next is what read gives after the commit, bit by bit', () => {
    const choices = fc.array(fc.record({ T: fc.nat(5), commit: fc.boolean() }), {
      minLength: 5,
      maxLength: 20,
    })
    fc.assert(
      fc.property(choices, all => {
        const program = compile(update, { ...float64, keep })
        program.run({ ...start, xs: draw([2, 7], 99) } as never, { commit: false })
        expect(bits(stateOf(program))).toEqual(bits(leavesOf(start)))
        all.forEach(({ T, commit }, i) => {
          const before = bits(stateOf(program))
          if (i % 2 === 0) program.run({ xs: draw([T, 7], i) } as never, { commit: false })
          else {
            program.bind({ T })
            program.view('xs').set(draw([T, 7], i).data)
            program.step({ commit: false })
          }
          expect(bits(stateOf(program))).toEqual(before)
          const next = bits(stateNames.map(name => program.next(name)))
          if (commit) program.commit()
          expect(bits(stateOf(program))).toEqual(commit ? next : before)
        })
      }),
      { numRuns: 20, seed: 2 },
    )
  })

  test('is committed once: a commit without a run before it changes nothing', () => {
    const program = compile(update, { ...float64, keep })
    program.commit()
    program.run({ ...start, xs: draw([2, 7], 1) } as never)
    const state = bits(stateOf(program))
    program.commit()
    program.commit()
    expect(bits(stateOf(program))).toEqual(state)
    program.run({ xs: draw([2, 7], 1) } as never, { commit: false })
    program.commit()
    const later = bits(stateOf(program))
    expect(later).not.toEqual(state)
    program.commit()
    expect(bits(stateOf(program))).toEqual(later)
  })

  test('can be given anew, whole or in part', () => {
    const program = compile(update, { ...float64, keep })
    program.run({ ...start, xs: draw([2, 7], 1) } as never)
    const [w, b, slot] = stateOf(program)
    const carry = draw([7], 50)
    const xs = draw([3, 7], 2)
    const expected = evaluate(update, { params: { w, b }, slots: { w: slot }, carry, xs } as never)
    program.run({ carry, xs } as never)
    expect(apart(stateOf(program), leavesOf(expected))).toBeLessThanOrEqual(1e-12)
  })

  test('may hold an input handed on as it is, an exchange, and one value twice', () => {
    const made = graph({ a: [3], b: [3], c: [3], d: [3] }, ({ a, b, c }) => {
      const next = add(a, b)
      return { a: b, b: a, c: next, d: next, old: c, seen: next }
    }) as Graph
    const program = compile(made, { ...float64, keep: { a: 'a', b: 'b', c: 'c', d: 'd' } })
    const [a, b, c, d] = [1, 2, 3, 4].map(seed => draw([3], seed)) as [Tensor, Tensor, Tensor, Tensor]
    let state = { a, b, c, d }
    for (let i = 0; i < 5; i++) {
      const { old, seen } = program.run((i === 0 ? state : {}) as never) as unknown as {
        old: Tensor
        seen: Tensor
      }
      const next = { shape: [3], data: state.a.data.map((x, k) => x + state.b.data[k]!) }
      expect(bits([old, seen])).toEqual(bits([state.c, next]))
      state = { a: state.b, b: state.a, c: next, d: next }
      expect(bits(['a', 'b', 'c', 'd'].map(name => program.read(name)))).toEqual(bits(Object.values(state)))
    }
  })

  test('that is handed on as it is stays where it lies: nothing is copied', () => {
    const made = graph({ w: [50], h: [50] }, ({ w, h }) => ({ w, h: add(mul(w, h), 1) })) as Graph
    const program = compile(made, { ...float64, keep: { w: 'w', h: 'h' } })
    const w = draw([50], 1)
    let h = draw([50], 2)
    for (let i = 0; i < 4; i++) {
      program.run((i === 0 ? { w, h } : {}) as never)
      h = (evaluate(made, { w, h }) as unknown as { h: Tensor }).h
      expect([program.read('w'), program.read('h')]).toEqual([w, h])
    }
    expect(program.describe().kernels.map(({ name }) => name)).toEqual(['mul·add'])
    program.run({ w: draw([50], 3) } as never, { commit: false })
    expect(program.next('w')).toEqual(draw([50], 3))
  })

  test('outlives changes of a batch that it does not have', () => {
    const made = graph({ w: [3], xs: ['T', 'B', 3] }, ({ w, xs }) => ({
      w: add(w, sum(xs, { axis: [0, 1] })),
    }))
    const program = compile(made as Graph, { ...float64, keep: { w: 'w' } })
    let w = draw([3], 1)
    program.run({ w, xs: draw([2, 2, 3], 0) } as never, { commit: false })
    for (const [seed, [T, B]] of (
      [
        [1, 2],
        [4, 3],
        [0, 2],
        [3, 0],
        [2, 2],
      ] as const
    ).entries()) {
      const xs = draw([T, B, 3], seed)
      w = (evaluate(made as Graph, { w, xs }) as { w: Tensor }).w
      program.run({ xs } as never)
      expect(apart([program.read('w')], [w])).toBeLessThanOrEqual(1e-12)
    }
  })

  test('updates its state as runs do, between runs too', () => {
    const [one, two] = [compile(update, { ...float64, keep }), compile(update, { ...float64, keep })]
    for (const program of [one, two])
      program.run({ ...start, xs: draw([3, 7], 0) } as never, { commit: false })
    for (let i = 1; i < 12; i++) {
      const xs = draw([1 + (i % 3), 7], i)
      two.run({ xs } as never)
      if (i % 4 === 0) one.run({ xs } as never)
      else {
        one.bind({ T: xs.shape[0]! })
        one.view('xs').set(xs.data)
        one.step()
      }
      one.commit() // there is nothing to commit
      expect(bits(stateOf(one))).toEqual(bits(stateOf(two)))
    }
  })
})
