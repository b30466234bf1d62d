import {
  add,
  contract,
  evaluate,
  expand,
  type Graph,
  gather,
  gradient,
  graph,
  linear,
  mul,
  type Ref,
  reshape,
  type Shape,
  scan,
  softmaxCrossEntropy,
  sum,
  tanh,
  type Values,
} from '@bptt/graph'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hoist } from '../../src/hoist.js'
import { arbitraryProgram } from '../../src/laws/index.js'
import { drawTensor, randomFrom } from '../../src/laws/random.js'
import { lower } from '../../src/lower.js'
import { print } from '../../src/print.js'
import { prune } from '../../src/prune.js'
import type { ScanAttrs } from '../../src/scan/attrs.js'
import { arbitraryLayout } from './compile-layouts.js'
import { apart, compiled, draw, reference } from './compile-support.js'

/** The ops in the bodies of a graph's loops, one list per loop, the outermost first. */
function bodies({ nodes }: Graph): readonly (readonly string[])[] {
  return nodes.flatMap(node => {
    if (node.kind !== 'apply' || node.op.emission?.kind !== 'loop') return []
    const { body } = node.attrs as ScanAttrs
    const names = body.nodes.flatMap(inner => (inner.kind === 'apply' ? [inner.op.name] : []))
    return [names, ...bodies(body)]
  })
}

/** Ops beside loops, in order. */
const outside = ({ nodes }: Graph): readonly string[] =>
  nodes.flatMap(node => (node.kind === 'apply' && node.op.name !== 'scan' ? [node.op.name] : []))

type Inputs = Readonly<Record<string, Shape>>
type Step = (
  carry: Readonly<Record<string, Ref>>,
  x: Readonly<Record<string, Ref>>,
  all: Readonly<Record<string, Ref>>,
) => readonly [Record<string, Ref>, Record<string, Ref>]

/** A loop over inputs named `x…` with carries from inputs named `c…` and `d…`; everything it gives is an output. */
function loop(inputs: Inputs, step: Step, { reverse = false, length = 'T' as string | number } = {}): Graph {
  return graph(inputs, refs => {
    const all = refs as Readonly<Record<string, Ref>>
    const named = (letters: string): Record<string, Ref> =>
      Object.fromEntries(Object.entries(all).filter(([name]) => letters.includes(name[0]!)))
    const [end, ys] = scan(
      ((carry: never, x: never) => step(carry, x, all)) as never,
      {
        carry: named('cd'),
        xs: named('x'),
        length,
        reverse,
      } as never,
    ) as unknown as readonly [Record<string, Ref>, Record<string, Ref>]
    return { ...end, ...ys }
  }) as Graph
}

const lengths = [0, 1, 2, 7]

/** The hoisted graph, after checking over several lengths that it and its program give the graph's values, and derivatives. */
function sound(made: Graph): Graph {
  const out = prune(hoist(made))
  for (const T of lengths) {
    const given = made.inputs.map(({ value }, i) =>
      drawTensor(
        randomFrom(i + T),
        made.shapes[value]!.map(dim => (typeof dim === 'string' ? T : dim)),
      ),
    )
    expect(apart(reference(out, given), reference(made, given))).toBeLessThanOrEqual(1e-12)
    expect(apart(compiled(made, given), reference(made, given))).toBeLessThanOrEqual(1e-12)
    const [before, after] = [slope(made), slope(out)]
    expect(apart(reference(after, given), reference(before, given))).toBeLessThanOrEqual(1e-11)
    expect(apart(compiled(before, given), reference(before, given))).toBeLessThanOrEqual(1e-11)
  }
  return out
}

/** The gradient of a scalar that all outputs have a part in. */
function slope(made: Graph): Graph {
  const total = graph(
    Object.fromEntries(made.inputs.map(({ name, value }) => [name, made.shapes[value]!])),
    refs => {
      const outputs = inlined(made, refs as Readonly<Record<string, Ref>>)
      return { of: outputs.map(ref => sum(tanh(ref))).reduce((a, b) => add(a, b) as Ref<[]>) }
    },
  ) as Graph
  return gradient(total, { of: 'of', by: [''] })
}

function inlined(made: Graph, refs: Readonly<Record<string, Ref>>): readonly Ref[] {
  const values = new Map<number, Ref>(made.inputs.map(({ name, value }) => [value, refs[name]!]))
  const home = Object.values(refs)[0]!.builder
  for (const node of made.nodes) {
    if (node.kind === 'constant') values.set(node.outputs[0], home.adopt(node.value, 'test'))
    if (node.kind !== 'apply') continue
    const from = node.inputs.map(id => values.get(id)!)
    home.apply(node.op, from, node.attrs).forEach((ref, k) => values.set(node.outputs[k]!, ref))
  }
  return made.outputs.map(({ value }) => values.get(value)!)
}

describe('hoisting', () => {
  test('keeps the values and gradients of random programs', () => {
    fc.assert(
      fc.property(arbitraryProgram({ size: 14 }), ({ graph: made, inputs }) => {
        expect(apart(reference(hoist(made), inputs), reference(made, inputs))).toBeLessThanOrEqual(1e-10)
        const by = { of: 'loss', by: [''] }
        const [before, after] = [gradient(made, by), gradient(hoist(made), by)]
        expect(apart(reference(after, inputs), reference(before, inputs))).toBeLessThanOrEqual(1e-9)
        expect(apart(reference(hoist(before), inputs), reference(before, inputs))).toBeLessThanOrEqual(1e-9)
      }),
      { numRuns: 150, seed: 1 },
    )
  })

  test('keeps the values and gradients of programs with odd carries, over any length', () => {
    fc.assert(
      fc.property(arbitraryLayout({ max: false }), fc.nat(4), ({ graph: made, inputs }, T) => {
        const given = inputs(T)
        expect(apart(reference(hoist(made), given), reference(made, given))).toBeLessThanOrEqual(1e-10)
        const by = { of: 'loss', by: [''] }
        const [before, after] = [gradient(made, by), gradient(hoist(made), by)]
        expect(apart(reference(after, given), reference(before, given))).toBeLessThanOrEqual(1e-9)
      }),
      { numRuns: 200, seed: 2 },
    )
  })

  test('done twice changes nothing more', () => {
    fc.assert(
      fc.property(arbitraryLayout({ max: false }), ({ graph: made }) => {
        const once = prune(hoist(made))
        const twice = prune(hoist(once))
        expect(bodies(twice).flat().length).toBeLessThanOrEqual(bodies(once).flat().length)
      }),
      { numRuns: 100, seed: 3 },
    )
  })
})

const W = [4, 3] as const
const U = [4, 4] as const

describe('what leaves a loop', () => {
  test('a product of a sequence goes before it, as one product over all steps', () => {
    const out = sound(
      loop({ W, U, c: [2, 4], x: ['T', 2, 3] }, ({ c }, { x }, { W: w, U: u }) => {
        const next = tanh(add(linear(x!, w!), linear(c!, u!))) as Ref
        return [{ c: next }, { y: next }]
      }),
    )
    expect(bodies(out)).toEqual([['contract', 'add', 'tanh']])
    expect(outside(out)).toEqual(['contract'])
    expect(print(out)).toMatch(/contract\(x, W, spec: '(.)aI,HI->\1aH'\)/)
  })

  test('a bias on top of a product of a sequence stays where elementwise work reads it, and goes before where a view does', () => {
    const shapes = { W, U, b: [4], c: [2, 4], x: ['T', 2, 3] } as const
    const read = (last: (input: Ref) => Ref): Graph =>
      sound(
        loop(shapes, ({ c }, { x }, { W: w, U: u, b }) => {
          const input = last(linear(x!, w!, b!) as Ref)
          const next = tanh(add(linear(c!, u!), input)) as Ref
          return [{ c: next }, { y: next }]
        }),
      )
    const elementwise = read(input => input)
    expect(bodies(elementwise)).toEqual([['contract', 'add', 'add', 'tanh']])
    expect(outside(elementwise)).toEqual(['contract'])
    const viewed = read(input => reshape(reshape(input, { shape: [8] }), { shape: [2, 4] }) as Ref)
    expect(bodies(viewed)[0]!.filter(name => name === 'add')).toEqual(['add'])
    expect(outside(viewed).filter(name => name !== 'reshape')).toEqual(['contract', 'add'])
    const stacked = sound(
      loop(shapes, ({ c }, { x }, { W: w, b }) => {
        const input = linear(x!, w!, b!) as Ref
        return [{ c: tanh(add(c!, input)) as Ref }, { y: input }]
      }),
    )
    expect(bodies(stacked)).toEqual([['add', 'tanh']])
  })

  test('a product that only outputs need goes after it, with all that follows', () => {
    const out = sound(
      loop({ V: [5, 4], b: [5], c: [2, 4], x: ['T', 2, 4] }, ({ c }, { x }, { V, b }) => {
        const next = tanh(add(c!, x!)) as Ref
        return [{ c: next }, { y: tanh(linear(next, V!, b!)) as Ref }]
      }),
    )
    expect(bodies(out)).toEqual([['add', 'tanh']])
    expect(outside(out).filter(name => name !== 'reshape')).toEqual(['contract', 'add', 'tanh'])
  })

  test('a readout goes after it, and what its losses give back goes before the way back', () => {
    const made = graph({ V: [5, 4], h: [2, 4], xs: ['T', 2, 4], ids: ['T', 2] }, ({ V, h, xs, ids }) => {
      const [, ys] = scan(
        (({ c }: { c: Ref }, x: Ref) => {
          const next = tanh(add(c, x)) as Ref
          return [{ c: next }, linear(next, V)]
        }) as never,
        { carry: { c: h }, xs } as never,
      ) as unknown as readonly [unknown, Ref]
      return { loss: sum(softmaxCrossEntropy(ys, ids)) }
    }) as Graph
    const slopes = gradient(made, { of: 'loss', by: ['V', 'h'] })
    const out = prune(hoist(lower(slopes)))
    expect(bodies(out).flat()).not.toContain('contract')
    const given = [
      draw([5, 4], 1),
      draw([2, 4], 2),
      draw([6, 2, 4], 3),
      { shape: [6, 2], data: Float64Array.from({ length: 12 }, (_, i) => i % 5) },
    ]
    expect(apart(reference(out, given), reference(slopes, given))).toBeLessThanOrEqual(1e-12)
    expect(apart(compiled(slopes, given), reference(slopes, given))).toBeLessThanOrEqual(1e-12)
  })

  test('a gradient of a weight leaves the way back as one product over all steps', () => {
    const made = loop({ U, c: [2, 4], x: ['T', 2, 4] }, ({ c }, { x }, { U: u }) => {
      const next = tanh(add(linear(c!, u!), x!)) as Ref
      return [{ c: next }, { y: next }]
    })
    sound(made)
    const out = prune(hoist(slope(made)))
    const products = bodies(out).map(names => names.filter(name => name === 'contract').length)
    expect(products).toEqual([1, 1]) // forward U h, backward Uᵀ ḡ; the gradient of U is outside
    expect(print(out)).toMatch(/contract\([^)]*spec: '(.)[a-zA-Z]{2},\1[a-zA-Z]{2}->[a-zA-Z]{2}'\)/)
  })

  test('rows of a table by ids of the steps are copied out before it', () => {
    const out = prune(
      hoist(
        loop({ table: [5, 3], c: [3], x: ['T'] }, ({ c }, { x }, { table }) => {
          const next = tanh(add(c!, gather(table!, x!))) as Ref
          return [{ c: next }, {}]
        }),
      ),
    )
    expect(bodies(out)).toEqual([['add', 'tanh']])
    expect(outside(out)).toEqual(['gather'])
  })

  test('work that never changes is done once', () => {
    const out = sound(
      loop({ a: [4], b: [4], c: [4], x: ['T', 4] }, ({ c }, { x }, { a, b }) => {
        const still = tanh(mul(a!, b!))
        return [{ c: add(mul(c!, still), x!) as Ref }, { y: c! }]
      }),
    )
    expect(bodies(out)).toEqual([['mul', 'add']])
    expect(outside(out)).toEqual(['mul', 'tanh'])
  })

  test('a loop in which nothing is left is gone', () => {
    const out = sound(
      loop({ W, x: ['T', 3] }, (_, { x }, { W: w }) => [{}, { y: tanh(linear(x!, w!)) as Ref }]),
    )
    expect(bodies(out)).toEqual([])
  })

  test('work of an inner loop leaves both', () => {
    const made = graph({ W: [3, 3], h: [3], xs: ['T', 3] }, ({ W: w, h, xs }) => {
      const [end] = scan(
        ((outer: Ref, x: Ref) => {
          const [inner] = scan(
            ((c: Ref) => [tanh(add(add(mul(c, 0.5), linear(x, w)), h)) as Ref, {}]) as never,
            { carry: outer, length: 2 } as never,
          ) as unknown as readonly [Ref]
          return [inner, {}]
        }) as never,
        { carry: h as Ref, xs: xs as Ref } as never,
      ) as unknown as readonly [Ref]
      return { end }
    }) as Graph
    const out = sound(made)
    expect(bodies(out).flat()).not.toContain('contract')
    expect(outside(out)).toContain('contract')
  })
})

describe('a carry that only sums', () => {
  const inputs = { c: [4], d: [4], x: ['T', 4] } as const

  test.each([false, true])('leaves the loop as one sum, from its start on (reversed: %s)', reverse => {
    const out = sound(
      loop({ c: [4], x: ['T', 4] }, ({ c }, { x }) => [{ c: add(c!, tanh(x!)) as Ref }, {}], { reverse }),
    )
    expect(bodies(out).flat()).not.toContain('add')
    expect(outside(out)).toContain('sumTo')
  })

  test('of several terms leaves it, wherever the carry stands in the sum', () => {
    const terms = (
      { c }: Readonly<Record<string, Ref>>,
      { x }: Readonly<Record<string, Ref>>,
    ): readonly Ref[] => [add(c!, add(x!, tanh(x!))), add(add(x!, tanh(x!)), c!)] as readonly Ref[]
    for (const k of [0, 1])
      expect(
        bodies(sound(loop({ c: [4], x: ['T', 4] }, (c, x) => [{ c: terms(c, x)[k]! }, {}]))).flat(),
      ).not.toContain('add')
  })

  test('is summed once where another one adds the same', () => {
    const out = sound(
      loop({ c: [4], d: [4], x: ['T', 4] }, ({ c, d }, { x }) => {
        const term = tanh(x!) as Ref
        return [{ c: add(c!, term) as Ref, d: add(term, d!) as Ref }, {}]
      }),
    )
    expect(outside(out).filter(name => name === 'sumTo')).toHaveLength(1)
  })

  test('stays where its running value is stacked, or read by another carry, or by its own term', () => {
    const kept = [
      loop({ c: [4], x: ['T', 4] }, ({ c }, { x }) => [{ c: add(c!, x!) as Ref }, { y: c! }]),
      loop({ c: [4], x: ['T', 4] }, ({ c }, { x }) => {
        const next = add(c!, x!) as Ref
        return [{ c: next }, { y: next }]
      }),
      loop(inputs, ({ c, d }, { x }) => [{ c: add(c!, x!) as Ref, d: tanh(add(c!, d!)) as Ref }, {}]),
      loop({ c: [4], x: ['T', 4] }, ({ c }, { x }) => [{ c: add(c!, mul(c!, x!)) as Ref }, {}]),
      loop({ c: [4] }, ({ c }) => [{ c: add(c!, c!) as Ref }, {}], { length: 3 }),
    ]
    for (const made of kept) expect(bodies(sound(made)).flat()).toContain('add')
  })

  test('of terms that repeat along it stays right', () => {
    sound(loop({ c: [3, 4], x: ['T', 4] }, ({ c }, { x }) => [{ c: add(c!, x!) as Ref }, {}]))
    sound(
      loop({ c: [3, 4], x: ['T', 4] }, ({ c }, { x }) => [
        { c: add(c!, expand(x!, { shape: [3, 4] })) as Ref },
        {},
      ]),
    )
  })

  test('of something that never changes is that as often as there are steps', () => {
    sound(loop({ a: [4], c: [4], x: ['T', 4] }, ({ c }, _, { a }) => [{ c: add(c!, a!) as Ref }, {}]))
    sound(loop({ a: [4], c: [4], x: ['T', 4] }, ({ c }, _, { a }) => [{ c: add(c!, tanh(a!)) as Ref }, {}]))
    sound(loop({ c: [4], x: ['T', 4] }, ({ c }) => [{ c: add(c!, 0.5) as Ref }, {}]))
    sound(
      loop({ W, c: [2, 4], a: [2, 3], x: ['T', 4] }, ({ c }, _, { W: w, a }) => [
        { c: add(c!, linear(a!, w!)) as Ref },
        {},
      ]),
    )
  })

  test('of what another carry held before the step is the sum of all those values', () => {
    sound(loop(inputs, ({ c, d }, { x }) => [{ c: add(c!, d!) as Ref, d: tanh(add(d!, x!)) as Ref }, {}]))
    sound(loop(inputs, ({ c, d }, { x }) => [{ c: add(c!, d!) as Ref, d: add(d!, x!) as Ref }, {}]))
    sound(loop(inputs, ({ c, d }, { x }) => [{ c: add(c!, d!) as Ref, d: x! }, {}]))
  })
})

describe('odd carries', () => {
  const inputs = { c: [3], d: [3], x: ['T', 3] } as const
  const odd: Readonly<Record<string, Step>> = {
    exchanged: ({ c, d }) => [{ c: d!, d: c! }, {}],
    'exchanged and stacked': ({ c, d }) => [
      { c: d!, d: c! },
      { y: c!, z: d! },
    ],
    'exchanged, one stacked': ({ c, d }, { x }) => [{ c: d!, d: add(c!, x!) as Ref }, { y: d! }],
    'handed on as it is': ({ c, d }, { x }) => [{ c: c!, d: tanh(add(c!, add(d!, x!))) as Ref }, { y: d! }],
    'handed on as it is and stacked': ({ c, d }, { x }) => [
      { c: c!, d: tanh(add(d!, x!)) as Ref },
      { y: c!, z: c! },
    ],
    'replaced by a sequence': ({ c }, { x }) => [{ c: x!, d: c! }, { y: c! }],
    'replaced by a sequence, which is stacked': (_, { x }) => [{ c: x!, d: x! }, { y: x! }],
    'both replaced by one value': ({ c, d }, { x }) => {
      const next = tanh(add(add(c!, d!), x!)) as Ref
      return [
        { c: next, d: next },
        { y: next, z: c! },
      ]
    },
    'replaced by a look at another': ({ c, d }, { x }) => [
      { c: expand(sum(d!, { keepDims: true, axis: 0 }), { shape: [3] }), d: add(c!, x!) as Ref },
      { y: c! },
    ],
    'stacked before and after': ({ c, d }, { x }) => {
      const next = tanh(add(c!, x!)) as Ref
      return [
        { c: next, d: add(d!, next) as Ref },
        { before: c!, after: next },
      ]
    },
    'replaced by a literal': ({ c }, { x }) => [
      { c: mul(x!, 0) as Ref, d: expand(x!.builder.constant(2), { shape: [3] }) },
      { y: c! },
    ],
  }
  const cases = Object.entries(odd).flatMap(([name, step]) =>
    [false, true].map(reverse => [name, reverse ? 'reversed ' : '', step, reverse] as const),
  )

  test.each(cases)('%s in a %sloop keep their values', (_name, _reversed, step, reverse) => {
    sound(loop(inputs, step, { reverse }))
    const fixed = loop({ c: [3], d: [3], x: [4, 3] }, step, { reverse, length: 4 })
    const given = fixed.inputs.map(({ value }, i) => draw(fixed.shapes[value]! as number[], i))
    expect(apart(compiled(fixed, given), reference(fixed, given))).toBeLessThanOrEqual(1e-12)
  })
})

test('a matrix that is the carry is multiplied as it is at each step', () => {
  const made = loop({ A: [8, 8], c: [8, 8], x: ['T', 8, 8] }, ({ c }, { x }, { A }) => {
    const next = tanh(add(contract(A!, c!, { spec: 'ij,jk->ik' }), x!)) as Ref
    return [{ c: next }, { y: sum(next) }]
  })
  sound(made)
})

test('evaluate of a hoisted graph takes the values of the graph it came from', () => {
  const made = loop({ U, c: [2, 4], x: ['T', 2, 4] }, ({ c }, { x }, { U: u }) => [
    { c: tanh(add(linear(c!, u!), x!)) as Ref },
    {},
  ])
  expect(hoist(made).inputs).toEqual(made.inputs)
  expect(
    Object.keys(
      evaluate(hoist(made), { U: draw([4, 4], 1), c: draw([2, 4], 2), x: draw([3, 2, 4], 3) } as Values),
    ),
  ).toEqual(['c'])
})
