import {
  add,
  type CompileOptions,
  compile,
  concat,
  contract,
  expand,
  flip,
  type Graph,
  gather,
  graph,
  inline,
  linear,
  logSoftmax,
  maxOver,
  mean,
  mul,
  oneHot,
  permute,
  type Ref,
  reshape,
  scan,
  slice,
  softmaxCrossEntropy,
  square,
  sub,
  sum,
  type Tensor,
  tanh,
  uniform,
  valueAndGradient,
  variance,
} from '@bptt/graph'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Compiled } from '../../src/wasm/compiled.js'
import { boundaries } from '../../src/wasm/threads/batch.js'
import { Crew } from '../../src/wasm/threads/crew.js'
import { sharesOf } from '../../src/wasm/threads/shares.js'
import { split } from '../../src/wasm/threads/split.js'
import { apart, bits, compiled, draw, listOf, reference, valuesOf } from './compile-support.js'

const float64 = { dtype: 'float64' } as const

/** A recurrent classifier with an embedding, a mean loss over T × B, and a largest state; with its gradient. */
const net = valueAndGradient(
  graph(
    { E: [6, 3], U: [5, 5], W: [5, 3], V: [4, 5], h: ['B', 5], ids: ['T', 'B'], targets: ['T', 'B'] },
    ({ E, U, W, V, h, ids, targets }) => {
      const [end, ys] = scan(
        (old: { h: Ref }, x: Ref) => {
          const next = tanh(add(linear(old.h, U as Ref), linear(x, W as Ref))) as Ref
          return [{ h: next }, next]
        },
        { carry: { h: h as Ref }, xs: gather(E as Ref, ids as Ref) },
      )
      const losses = softmaxCrossEntropy(linear(ys as Ref, V as Ref), targets as Ref)
      return { loss: mean(losses), end: end.h as Ref, top: maxOver(end.h as Ref) }
    },
  ) as Graph,
  { of: 'loss', by: ['E', 'U', 'W', 'V', 'h'] },
) as Graph

const netInputs = (T: number, B: number, seed: number): readonly Tensor[] => {
  const whole = (bound: number, at: number): Tensor => {
    const { shape, data } = draw([T, B], at)
    return { shape, data: data.map(x => Math.abs(Math.floor(x * 1e4)) % bound) }
  }
  const real = [
    [6, 3],
    [5, 5],
    [5, 3],
    [4, 5],
    [B, 5],
  ].map((shape, i) => draw(shape, seed + i))
  return [...real, whole(6, seed + 5), whole(4, seed + 6)]
}

describe('threads', () => {
  test('give what one thread gives, to rounding, for every number of threads, batch and length', () => {
    const size = fc.record({ T: fc.integer({ min: 1, max: 5 }), B: fc.nat(11), seed: fc.nat(1000) })
    const programs = [2, 3, 5].map(threads => compile(net, { ...float64, threads }))
    fc.assert(
      fc.property(size, fc.nat(2), ({ T, B, seed }, which) => {
        const inputs = netInputs(T, B, seed)
        const found = listOf(net, programs[which]!.run(valuesOf(net, inputs)))
        expect(apart(found, reference(net, inputs))).toBeLessThanOrEqual(B === 0 ? 0 : 1e-12)
      }),
      { numRuns: 60, seed: 1 },
    )
  })

  test('give the same bits every time, whoever did which part', () => {
    const inputs = netInputs(4, 9, 3)
    for (const flavour of ['fast', 'portable'] as const)
      for (const dtype of ['float32', 'float64'] as const) {
        const options: CompileOptions = { dtype, flavour, threads: 3 }
        const first = bits(compiled(net, inputs, options))
        const program = compile(net, options)
        for (let i = 0; i < 200; i++)
          expect(bits(listOf(net, program.run(valuesOf(net, inputs))))).toEqual(first)
      }
  })

  test('do runs beside the caller: memory that the caller never wrote to fills', async () => {
    const square2 = graph({ x: ['B', 2] }, ({ x }) => ({ y: square(x) })) as Graph
    const program = new Compiled(square2, float64, true)
    program.bind({ B: 3 })
    program.view('x').set([1, 2, 3, 4, 5, 6])
    const y = program.view('y')
    const crew = new Crew(1)
    crew.assign([program.machine()])
    crew.ask()
    const limit = Date.now() + 15_000
    while (y[5] === 0 && Date.now() < limit) await new Promise(resolve => setTimeout(resolve, 5))
    expect([...y]).toEqual([1, 4, 9, 16, 25, 36])
    crew.meet()
  })

  test('leave no run undone where a thread comes late: the caller does it', () => {
    for (let i = 0; i < 20; i++) {
      const inputs = netInputs(2, 8, i)
      expect(apart(compiled(net, inputs, { threads: 4 }), reference(net, inputs))).toBeLessThanOrEqual(1e-12)
    }
  })

  test('name an id that is no row, in any part of the batch, and go on', () => {
    const program = compile(net, { ...float64, threads: 2 })
    for (const place of [0, 7]) {
      const inputs = netInputs(1, 8, 1)
      const wrong = inputs.map((value, i) =>
        i === 5 ? { ...value, data: value.data.map((id, k) => (k === place ? 6 : id)) } : value,
      )
      expect(() => program.run(valuesOf(net, wrong))).toThrow('an id is no row of its table')
      expect(apart(listOf(net, program.run(valuesOf(net, inputs))), reference(net, inputs))).toBeLessThan(
        1e-12,
      )
    }
  })
})

/** Momentum along the gradient of a squared error, with a state that goes on from window to window. */
const training = (() => {
  const slope = valueAndGradient(
    graph({ params: { W: [3, 3] }, carry: ['B', 3], xs: ['T', 'B', 3] }, ({ params, carry, xs }) => {
      const [end, ys] = scan(
        (h: Ref, x: Ref) => {
          const next = tanh(add(linear(h, params.W as Ref), x)) as Ref
          return [next, next]
        },
        { carry: carry as Ref, xs: xs as Ref },
      )
      return { loss: sum(square(sub(ys as Ref, 0.3))), end: end as Ref }
    }),
    { of: 'loss', by: ['params'] },
  )
  const inputs = { params: { W: [3, 3] }, slots: [3, 3], carry: ['B', 3], xs: ['T', 'B', 3] } as const
  return graph(inputs, given => {
    const { params, slots, carry, xs } = given as never as Record<'slots' | 'carry' | 'xs', Ref> & {
      readonly params: { readonly W: Ref }
    }
    const made = inline(slope as Graph, { params, carry, xs }) as never as Record<'end' | 'loss', Ref> & {
      readonly gradient: { readonly params: { readonly W: Ref } }
    }
    const next = add(mul(slots, 0.9), made.gradient.params.W) as Ref
    return {
      params: { W: sub(params.W, mul(next, 0.1)) as Ref },
      slots: next,
      carry: made.end,
      loss: made.loss,
    }
  }) as Graph
})()

describe('resident state of a program with threads', () => {
  const keep = { params: 'params', slots: 'slots', carry: 'carry' }
  const start = (B: number): Record<string, unknown> => ({
    params: { W: draw([3, 3], 1) },
    slots: draw([3, 3], 2),
    carry: draw([B, 3], 3),
  })

  test('goes on like that of one thread: run, next, commit, read, view and step in any order', () => {
    const action = fc.oneof(
      fc.record({
        kind: fc.constant('run' as const),
        T: fc.integer({ min: 1, max: 4 }),
        commit: fc.boolean(),
      }),
      fc.record({ kind: fc.constantFrom('commit' as const, 'step' as const, 'write' as const) }),
    )
    fc.assert(
      fc.property(
        fc.array(action, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 9 }),
        (all, B) => {
          const programs = [1, 2, 3].map(threads => compile(training, { ...float64, keep, threads }))
          for (const program of programs) program.run({ ...start(B), xs: draw([2, B, 3], 4) } as never)
          all.forEach((one, i) => {
            const states = programs.map(program => {
              if (one.kind === 'run')
                program.run({ xs: draw([one.T, B, 3], i) } as never, { commit: one.commit })
              if (one.kind === 'run' && !one.commit) return ['params.W', 'slots', 'carry'].map(program.next)
              if (one.kind === 'commit') program.commit()
              if (one.kind === 'step') program.step()
              if (one.kind === 'write') program.view('carry').fill(0.25)
              if (one.kind === 'write') program.view('params.W')[0] = 0.5
              return ['params.W', 'slots', 'carry'].map(program.read)
            })
            for (const state of states.slice(1)) expect(apart(state, states[0]!)).toBeLessThanOrEqual(1e-11)
          })
          const losses = programs.map(program => {
            program.step()
            return program.view('loss')[0]!
          })
          for (const loss of losses) expect(loss).toBeCloseTo(losses[0]!, 10)
        },
      ),
      { numRuns: 30, seed: 2 },
    )
  })

  test('has to be given anew where the batch changes, and other state stays', () => {
    const program = compile(training, { ...float64, keep, threads: 2 })
    program.run({ ...start(4), xs: draw([2, 4, 3], 4) } as never)
    const params = program.read('params.W')
    expect(() => program.run({ xs: draw([2, 6, 3], 4) } as never)).toThrow(
      "input 'carry': was [4, 3] and is now [6, 3]; give it anew",
    )
    program.run({ carry: draw([6, 3], 5), xs: draw([2, 6, 3], 4) } as never, { commit: false })
    expect(bits([program.read('params.W')])).toEqual(bits([params]))
    expect(program.read('carry').shape).toEqual([6, 3])
  })
})

describe('a split batch', () => {
  test('is dealt out in fours where there are enough, and as evenly as that allows', () => {
    expect(boundaries(32, 2)).toEqual([0, 16, 32])
    expect(boundaries(30, 2)).toEqual([0, 16, 30])
    expect(boundaries(7, 3)).toEqual([0, 2, 5, 7])
    expect(boundaries(1, 3)).toEqual([0, 0, 1, 1])
    fc.assert(
      fc.property(fc.nat(200), fc.integer({ min: 1, max: 9 }), (batch, threads) => {
        const ends = boundaries(batch, threads)
        expect([ends[0], ends.at(-1), ends.length]).toEqual([0, batch, threads + 1])
        const sizes = ends.slice(1).map((end, k) => end - ends[k]!)
        expect(Math.min(...sizes)).toBeGreaterThanOrEqual(0)
        expect(Math.max(...sizes)).toBeLessThanOrEqual(Math.ceil(batch / threads) + 3)
      }),
    )
  })

  const shareOf = (make: (x: Ref, w: Ref) => Ref): string => {
    const made = graph({ x: ['B', 3], w: [3, 3] }, ({ x, w }) => ({ y: make(x as Ref, w as Ref) })) as Graph
    return sharesOf(made, 'B')[made.outputs[0]!.value]!
  }

  test('is followed through every kind of op', () => {
    expect(shareOf((_, w) => tanh(w) as Ref)).toBe('same')
    expect(shareOf(x => tanh(x) as Ref)).toBe('part')
    expect(shareOf((_, w) => expand(w, { shape: ['B', 3, 3] }))).toBe('part')
    expect(shareOf((x, w) => linear(x, w))).toBe('part')
    expect(shareOf(x => contract(x, x, { spec: 'bi,bj->ij' }))).toBe('sum')
    expect(shareOf(x => sum(x, { axis: 1 }))).toBe('part')
    expect(shareOf(x => permute(x, { axes: [1, 0] }))).toBe('part')
    expect(shareOf(x => slice(x, { axis: 1, start: 1, size: 2 }) as Ref)).toBe('part')
    expect(shareOf(x => concat([x, x], { axis: 1 }))).toBe('part')
    expect(shareOf(x => oneHot(sum(x, { axis: 1 }), { size: 2 }))).toBe('part')
    expect(shareOf((x, w) => gather(w, sum(x, { axis: 1 })))).toBe('part')
    expect(shareOf(x => mul(sum(x), 2) as Ref)).toBe('later')
    expect(shareOf(x => maxOver(x, { axis: 0 }))).toBe('later') // a look at the largest
    expect(shareOf(x => reshape(x, { shape: ['B', 3, 1] }))).toBe('part')
  })

  test('gives two graphs: rows of the batch, and what is done once they have met', () => {
    const made = graph({ x: ['B', 3], w: [3] }, ({ x, w }) => ({
      y: mul(x, w),
      total: mul(sum(mul(x, w)), 2),
    })) as Graph
    const { thread, meeting, met } = split(made, 'B', 2)
    expect(thread.inputs.map(({ name }) => name)).toEqual(['x', 'w'])
    expect(thread.outputs.map(({ name }) => name)).toEqual(['part.y', 'met.0'])
    expect(meeting.inputs.map(({ name }) => name)).toEqual(['w', 'met.0.0', 'met.0.1'])
    expect(meeting.outputs.map(({ name }) => name)).toEqual(['total'])
    expect(met).toBe(1)
  })

  test.each([
    ['mixes rows', (x: Ref) => flip(x, { axes: [0] }), "it does not work row by row along 'B'"],
    [
      'compares every row with every other',
      (x: Ref) => linear(x, x),
      "it does not work row by row along 'B'",
    ],
    [
      'needs the mean of all',
      (x: Ref) => sub(x, mean(x, { axis: 0 })),
      'is known only when every thread is done',
    ],
    ['normalises over the batch', (x: Ref) => logSoftmax(x, { axis: 0 }), 'is known only when every thread'],
    ['has a variance in it', (x: Ref) => variance(x, { axis: 0 }), 'is known only when every thread is done'],
    [
      'draws at random by place',
      (x: Ref) => mul(x, uniform(x.builder.constant(1), { shape: ['B', 3] })),
      "it does not work row by row along 'B'",
    ],
    [
      'runs along the batch',
      (x: Ref) =>
        scan((h: Ref, row: Ref) => [add(h, row) as Ref, {}], {
          carry: mul(sum(x), 0),
          xs: sum(x, { axis: 1 }),
        })[0] as Ref,
      'compile: ',
    ],
  ])('is refused where a graph %s', (_, make, why) => {
    const made = graph({ x: ['B', 3] }, ({ x }) => ({ y: make(x as Ref) as Ref })) as Graph
    const refusal = problem(() => compile(made, { threads: 2, batch: 'B' }))
    expect(refusal).toContain(why)
    expect(refusal).toMatch(/^(unsplittable|no-batch-axis) \| compile: .*\nhint: /s)
  })

  const problem = (make: () => unknown): string => {
    try {
      make()
      return 'nothing'
    } catch (error) {
      const { code, message } = error as { code: string; message: string }
      return `${code} | ${message}`
    }
  }

  test('has to be named, and threads counted', () => {
    const fixed = graph({ x: [4, 3] }, ({ x }) => ({ y: sum(x) })) as Graph
    const two = graph({ x: ['B', 'N'], y: ['B'] }, ({ x }) => ({ y: sum(x) })) as Graph
    expect(problem(() => compile(fixed, { threads: 2 }))).toBe(
      "no-batch-axis | compile: threads split the batch, and 0 named axes could be it: none\nhint: name the batch in the inputs' shapes: x: ['T', 'B', 8]",
    )
    expect(problem(() => compile(two, { threads: 2 }))).toBe(
      "no-batch-axis | compile: threads split the batch, and 2 named axes could be it: 'B', 'N'\nhint: say which: batch: 'B'",
    )
    expect(problem(() => compile(two, { threads: 2, batch: 'Z' }))).toBe(
      "no-batch-axis | compile: axis 'Z' cannot be split; axes of the inputs that no loop runs along: 'B', 'N'\nhint: say which: batch: 'B'",
    )
    for (const threads of [0, 1.5, -1, 65, Number.NaN])
      expect(problem(() => compile(two, { threads }))).toBe(
        `bad-threads | compile: threads is ${threads}; it is a whole number from 1 to 64\nhint: take as many as there are idle cores`,
      )
    expect(
      compile(two, { ...float64, threads: 2, batch: 'N' }).run({
        x: [
          [1, 2],
          [3, 4],
        ],
        y: [0, 0],
      }),
    ).toEqual({
      y: { shape: [], data: Float64Array.of(10) },
    })
  })
})
