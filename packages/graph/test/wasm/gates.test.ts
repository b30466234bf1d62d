import {
  add,
  check,
  compile,
  contract,
  evaluate,
  type Graph,
  gradient,
  graph,
  inline,
  linear,
  mul,
  type Ref,
  type Shape,
  scan,
  sigmoid,
  sub,
  sum,
  type Tensor,
  tanh,
} from '@bptt/graph'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { arbitraryProgram } from '../../src/laws/index.js'
import { drawTensor, randomFrom } from '../../src/laws/random.js'
import { optimised } from '../../src/optimise.js'
import { joinGates } from '../../src/rewrite/gates/join.js'
import type { ScanAttrs } from '../../src/scan/attrs.js'
import { arbitraryLayout } from './compile-layouts.js'
import { apart, compiled, reference } from './compile-support.js'

/** The letters of the products of a graph, and those in the bodies of its loops, the outermost first. */
function products({ nodes }: Graph): readonly (readonly string[])[] {
  const own = nodes.flatMap(node =>
    node.kind === 'apply' && node.op.emission?.kind === 'product' ? [node.op.emission.spec(node.attrs)] : [],
  )
  const inner = nodes.flatMap(node =>
    node.kind === 'apply' && node.op.emission?.kind === 'loop'
      ? products((node.attrs as ScanAttrs).body)
      : [],
  )
  return [own, ...inner]
}

/** How many products there are outside of loops and in each loop. */
const counts = (made: Graph): readonly number[] => products(made).map(all => all.length)

/** Values for the inputs of a graph whose named axes have this length. */
const given = ({ inputs, shapes }: Graph, T: number): readonly Tensor[] =>
  inputs.map(({ value }, i) =>
    drawTensor(
      randomFrom(i + 10 * T),
      shapes[value]!.map(dim => (typeof dim === 'string' ? T : dim)),
    ),
  )

/** The graph after the pass, after checking over several lengths that it and its program give the graph's values. */
function sound(made: Graph, lengths = [0, 1, 2, 5]): Graph {
  const out = joinGates(optimised(made))
  check(out)
  expect(joinGates(out)).toBe(out)
  for (const T of lengths) {
    const values = given(made, T)
    expect(apart(reference(out, values), reference(made, values))).toBeLessThanOrEqual(1e-12)
    expect(apart(compiled(made, values), reference(made, values))).toBeLessThanOrEqual(1e-12)
  }
  return out
}

const slope = (made: Graph): Graph =>
  gradient(made, { of: 'loss', by: made.inputs.map(port => port.name) as never }) as Graph

/** A net whose gates z = U x + W h all have their own matrices. */
interface Net {
  readonly gates: number
  readonly hidden: number
  readonly inputs: number
  readonly batch?: number
  readonly reverse?: boolean
  /** Which gate's matrix each gate multiplies h by: a gate may use another one's again. */
  readonly uses?: readonly number[]
  /** W [in, out] in place of [out, in]. */
  readonly turned?: boolean
  /** The weight first in the product. */
  readonly first?: boolean
  /** Inputs declared from the last gate to the first, W before U. */
  readonly backwards?: boolean
  /** The third gate is a factor. */
  readonly factor?: boolean
}

const steps: readonly ((z: Ref) => Ref)[] = [tanh, sigmoid, z => tanh(sigmoid(z)) as Ref]
const square = (z: Ref): Ref => mul(z, tanh(z)) as Ref

function net(options: Net): Graph {
  const { gates, hidden, inputs, batch = 1, reverse = false, turned = false, backwards = false } = options
  const { uses = [] } = options
  const all = Array.from({ length: gates }, (_, g) => g)
  const matrix = (from: number): Shape => (turned ? [from, hidden] : [hidden, from])
  const U = all.map(g => [`U${g}`, matrix(inputs)] as const)
  const W = all.map(g => [`W${g}`, matrix(hidden)] as const)
  const params = backwards ? [...W, ...U].toReversed() : [...U, ...W]
  const shapes = { ...Object.fromEntries(params), h: [batch, hidden], xs: ['T', batch, inputs] }
  return graph(shapes, refs => {
    const r = refs as unknown as Readonly<Record<string, Ref>>
    const [end, ys] = scan(
      ((h: Ref, x: Ref) => {
        const z = all.map(g => add(times(x, r[`U${g}`]!, options), times(h, r[`W${uses[g] ?? g}`]!, options)))
        const next = z
          .map((one, g) => (g === 2 && options.factor ? square : steps[g % 3]!)(one as Ref))
          .reduce((a, b) => sub(tanh(a), b) as Ref)
        return [next, next]
      }) as never,
      { carry: r['h']!, xs: r['xs']!, reverse } as never,
    ) as unknown as readonly [Ref, Ref]
    return { loss: add(sum(tanh(ys)), sum(end)) }
  }) as Graph
}

function times(x: Ref, w: Ref, { turned = false, first = false }: Net): Ref {
  const letters = turned ? 'ih' : 'hi'
  return first ? contract(w, x, { spec: `${letters},bi->bh` }) : contract(x, w, { spec: `bi,${letters}->bh` })
}

const sizes = { gates: fc.integer({ min: 1, max: 4 }), hidden: fc.integer({ min: 1, max: 5 }) }
const arbitraryNet: fc.Arbitrary<Net> = fc.record({
  ...sizes,
  inputs: fc.integer({ min: 1, max: 5 }),
  batch: fc.constantFrom(1, 1, 1, 2),
  reverse: fc.boolean(),
  uses: fc.oneof(fc.constant([]), fc.array(fc.nat(0), { maxLength: 2 })),
  turned: fc.constantFrom(false, false, true),
  first: fc.boolean(),
  backwards: fc.boolean(),
  factor: fc.boolean(),
})

describe('joining gates', () => {
  test('keeps values and gradients of nets with a matrix per gate, over any length', () => {
    fc.assert(
      fc.property(arbitraryNet, fc.constantFrom(0, 1, 2, 5), (shape, T) => {
        sound(net(shape), [T])
        sound(slope(net(shape)), [T])
      }),
      { numRuns: 120, seed: 1 },
    )
  })

  test('keeps the values and gradients of random programs', () => {
    fc.assert(
      fc.property(arbitraryProgram({ size: 14 }), ({ graph: made, inputs }) => {
        for (const one of [made, gradient(made, { of: 'loss', by: [''] })])
          expect(
            apart(reference(joinGates(optimised(one)), inputs), reference(one, inputs)),
          ).toBeLessThanOrEqual(1e-9)
      }),
      { numRuns: 150, seed: 2 },
    )
  })

  test('keeps the values and gradients of programs with odd carries, over any length', () => {
    fc.assert(
      fc.property(arbitraryLayout({ max: false }), fc.nat(4), ({ graph: made, inputs }, T) => {
        for (const one of [made, gradient(made, { of: 'loss', by: [''] })])
          expect(
            apart(reference(joinGates(optimised(one)), inputs(T)), reference(one, inputs(T))),
          ).toBeLessThanOrEqual(1e-9)
      }),
      { numRuns: 100, seed: 3 },
    )
  })
})

describe('what is joined', () => {
  const small = { gates: 3, hidden: 4, inputs: 5 }

  test.each([
    {},
    { first: true },
    { reverse: true },
    { backwards: true },
    { hidden: 1 },
    { inputs: 1, hidden: 1 },
    { inputs: 4 },
  ])('with a matrix per gate, one product stands for three: %j', change => {
    const made = net({ ...small, ...change })
    expect(counts(optimised(made))).toEqual([3, 3])
    expect(counts(sound(made))).toEqual([1, 1])
    // outside: U x, the gradients of U and of W, the gradient of xs; in the loops: W h and its way back
    expect(counts(optimised(slope(made)))).toEqual([12, 3, 3])
    expect(counts(sound(slope(made)))).toEqual([4, 1, 1])
  })

  test('matrices are put together once, outside of all loops', () => {
    const out = sound(slope(net(small)))
    const joins = (nodes: Graph['nodes']): number =>
      nodes.filter(node => node.kind === 'apply' && node.op.name === 'concat').length
    expect(joins(out.nodes)).toBe(2)
    const bodies = out.nodes.flatMap(node =>
      node.kind === 'apply' && node.op.emission?.kind === 'loop' ? [(node.attrs as ScanAttrs).body] : [],
    )
    // the cotangents of the gates, which are written side by side
    expect(bodies.map(body => joins(body.nodes))).toEqual([0, 1])
  })

  test('in a loop within a loop too', () => {
    const made = graph({ V: [3, 3], W: [3, 3], h: [1, 3], xs: ['T', 1, 3] }, ({ V, W, h, xs }) => {
      const [end] = scan(
        ((outer: Ref, x: Ref) => {
          const [inner] = scan(
            ((c: Ref) => [mul(tanh(add(linear(c, V), x)), sigmoid(linear(c, W))) as Ref, {}]) as never,
            { carry: outer, length: 2 } as never,
          ) as unknown as readonly [Ref]
          return [inner, {}]
        }) as never,
        { carry: h as Ref, xs: xs as Ref } as never,
      ) as unknown as readonly [Ref]
      return { loss: sum(end) }
    }) as Graph
    expect(counts(sound(made))).toEqual([0, 0, 1])
    expect(counts(optimised(slope(made))).at(-1)).toBe(2)
    expect(counts(sound(slope(made))).at(-1)).toBe(1)
  })

  test('a gate that is a factor is made apart, and its weight lies with the others for the way back', () => {
    const shapes = { Wr: [3, 3], Wz: [3, 3], Wn: [3, 3], h: [1, 3] } as const
    const made = graph(shapes, ({ Wr, Wz, Wn, h }) => {
      const [end] = scan(
        ((c: Ref) => {
          const candidate = tanh(mul(sigmoid(linear(c, Wr)), add(linear(c, Wn), 0.5)))
          return [sub(candidate, sigmoid(linear(c, Wz))), {}]
        }) as never,
        { carry: h as Ref, length: 3 } as never,
      ) as unknown as readonly [Ref]
      return { loss: sum(end) }
    }) as Graph
    expect(counts(optimised(made))).toEqual([0, 3])
    expect(counts(sound(made))).toEqual([0, 2])
    expect(counts(optimised(slope(made)))).toEqual([3, 3, 3])
    expect(counts(sound(slope(made)))).toEqual([1, 2, 1])
  })

  test('gates that read a weight of another one are left out, and the rest is joined', () => {
    const made = net({ ...small, gates: 4, uses: [0, 0] })
    // gates 0 and 1 share one product; with W1 unused, three weights are left
    expect(counts(sound(made))).toEqual([1, 1])
    sound(slope(made))
  })

  test('a weight lies in one place only: a second group that wants it elsewhere stays apart', () => {
    const shapes = { A: [3, 3], B: [3, 3], C: [3, 3], x: [1, 3], y: [1, 3] } as const
    const made = graph(shapes, ({ A, B, C, x, y }) => ({
      loss: sum(tanh(add(sub(linear(x, A), linear(x, B)), sub(linear(y, B), linear(y, C))))),
    })) as Graph
    expect(counts(sound(made))).toEqual([3])
    sound(slope(made))
  })
})

describe('a program that trains in place', () => {
  /** A step down the slope of some of the weights; the others stay. */
  function training(made: Graph, by: readonly string[]): Graph {
    const shapes = Object.fromEntries(made.inputs.map(({ name, value }) => [name, made.shapes[value]!]))
    const slopes = gradient(made, { of: 'loss', by: by as never }) as Graph
    return graph(shapes, refs => {
      const along = inline(slopes, refs) as Readonly<Record<string, Ref>>
      return Object.fromEntries(by.map(name => [name, sub((refs as never)[name], mul(along[name]!, 0.1))]))
    }) as Graph
  }

  test.each([
    ['all weights', ['U0', 'U1', 'U2', 'W0', 'W1', 'W2']],
    ['some weights', ['U1', 'W0', 'W2']],
  ])('of %s goes on like evaluate', (_, by) => {
    const made = training(net({ gates: 3, hidden: 3, inputs: 2 }), by)
    const program = compile(made, {
      dtype: 'float64',
      keep: Object.fromEntries(by.map(name => [name, name])),
    })
    let now = Object.fromEntries(given(made, 4).map((value, i) => [made.inputs[i]!.name, value] as const))
    program.run(now)
    for (let step = 0; step < 4; step++) {
      const next = evaluate(made, now) as Record<string, Tensor>
      for (const name of by) {
        expect(apart([program.read(name)], [next[name]!])).toBeLessThanOrEqual(1e-12)
        expect(apart([now[name]!], [next[name]!])).toBeGreaterThan(1e-6)
      }
      now = { ...now, ...next }
      program.step()
    }
  })

  test('copies no matrix for it', () => {
    const made = training(net({ gates: 3, hidden: 3, inputs: 2 }), ['W0', 'W1', 'W2'])
    const program = compile(made, { keep: { W0: 'W0', W1: 'W1', W2: 'W2' } })
    program.bind({ T: 2 })
    expect(program.plan()).toContain('contract dot 1×3×9')
    expect(program.plan()).not.toContain('copy concat')
  })
})

describe('what is not joined', () => {
  const same = (made: Graph): void => {
    const before = optimised(made)
    expect(joinGates(before)).toBe(before)
    sound(made)
  }

  test('sums of 20,000 products, which are looked at without recursion', () => {
    const long = graph({ x: [1, 3], V: [3, 3], W: [3, 3] }, ({ x, V, W }) => {
      const term = (t: number): Ref => linear(tanh(mul(x, t)), t % 2 === 0 ? V : W)
      return Array.from({ length: 20_000 }, (_, t) => term(t)).reduce((total, one) => add(total, one))
    }) as Graph
    expect(joinGates(long)).toBe(long)
  })

  test('several rows', () => {
    same(net({ gates: 3, hidden: 4, inputs: 5, batch: 2 }))
    same(slope(net({ gates: 3, hidden: 4, inputs: 5, batch: 2 })))
  })

  test('matrices that are [in, out]: their rows would lie apart', () => {
    same(net({ gates: 3, hidden: 4, inputs: 5, turned: true }))
    same(slope(net({ gates: 3, hidden: 4, inputs: 5, turned: true })))
  })

  test('more than 2^18 elements of weights', () => {
    const of = (gates: number): Graph => optimised(net({ gates, hidden: 256, inputs: 2 }))
    expect(counts(joinGates(of(4)))).toEqual([1, 1])
    expect(counts(joinGates(of(5)))).toEqual([1, 5])
  })

  const shapes = { A: [3, 3], B: [3, 3], C: [2, 3], x: [1, 3], y: [1, 3] } as const
  const one = (build: (r: { readonly [K in keyof typeof shapes]: Ref }) => Ref): Graph =>
    graph(shapes, refs => ({ loss: sum(tanh(build(refs as never))) })) as Graph

  test.each<[string, Graph]>([
    ['products of different values', one(({ A, B, x, y }) => sub(linear(x, A), linear(y, B)) as Ref)],
    ['factors', one(({ A, B, x, y }) => mul(add(linear(x, A), y), linear(x, B)) as Ref)],
    ['products one after the other', one(({ A, B, x }) => linear(tanh(linear(x, A)) as Ref, B))],
    ['matrices of different shapes', one(({ A, C, x }) => add(sum(linear(x, A)), linear(x, C)) as Ref)],
    ['a matrix that is computed', one(({ A, B, x }) => sub(linear(x, A), linear(x, tanh(B) as Ref)) as Ref)],
    ['sums whose terms are inputs', one(({ A, B, x, y }) => add(linear(x, A), linear(y, B)) as Ref)],
    [
      'sums that are read on the way',
      one(({ A, B, x, y }) => {
        const first = linear(tanh(x) as Ref, A)
        return sub(first, add(first, linear(tanh(y) as Ref, B))) as Ref
      }),
    ],
  ])('%s', (_, made) => {
    same(made)
  })
})
