import {
  add,
  concat,
  contract,
  exp,
  expand,
  type Graph,
  gradient,
  graph,
  linear,
  maxOver,
  mul,
  permute,
  type Ref,
  reshape,
  scan,
  sigmoid,
  slice,
  softmax,
  split,
  stopGradient,
  sub,
  sum,
  tanh,
} from '@bptt/graph'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CONSTANTS, headerOf, layOut, placeBuffers } from '../../src/wasm/arena.js'
import { emitModule } from '../../src/wasm/emit.js'
import { ConstantTable } from '../../src/wasm/lanes.js'
import type { Fused, Instruction, Plan } from '../../src/wasm/plan.js'
import { arbitraryLayout } from './compile-layouts.js'
import { planned } from './plan-support.js'

/** Instructions as words, loops in brackets. */
const words = (instructions: readonly Instruction[]): readonly string[] =>
  instructions.map(one => {
    if (one.kind === 'loop') return `loop[${words(one.body).join(' ')}]`
    return one.kind === 'fused' ? one.name.split(' ')[0]! : one.kind === 'product' ? one.form : one.kind
  })

const of = (made: unknown, lengths?: Readonly<Record<string, number>>): readonly string[] =>
  words(planned(made, lengths).instructions)

const stores = (plan: Plan): readonly number[] =>
  plan.instructions.flatMap(one => (one.kind === 'fused' ? [(one as Fused).stores.length] : []))

describe('elementwise work', () => {
  test('in a chain is one kernel, which writes the result only', () => {
    const plan = planned(graph({ x: [5, 7], y: [7] }, ({ x, y }) => ({ z: tanh(add(mul(x, y), 1)) })))
    expect(words(plan.instructions)).toEqual(['mul·add·tanh'])
    expect(stores(plan)).toEqual([1])
  })

  test('that branches, joins and has several results is one kernel', () => {
    const plan = planned(
      graph({ x: [9], y: [9] }, ({ x, y }) => {
        const s = sigmoid(x)
        const t = tanh(y)
        return { z: add(mul(s, t), sub(t, s)), s }
      }),
    )
    expect(plan.instructions).toHaveLength(1)
    expect(stores(plan)).toEqual([2])
  })

  test('of other values joins it only where both have the same shape', () => {
    expect(of(graph({ x: [4], y: [2, 4] }, ({ x, y }) => ({ z: add(exp(x), y) })))).toEqual(['exp', 'add'])
  })

  test('waits for what is made by a product, and for nothing else', () => {
    const kernels = of(
      graph({ x: [2, 3], W: [4, 3], b: [2, 4] }, ({ x, W, b }) => {
        const before = tanh(b)
        return { y: mul(tanh(add(linear(x, W), before)), exp(before)) }
      }),
    )
    expect(kernels).toHaveLength(3)
    expect(kernels[1]).toBe('dot')
  })

  test('takes sums and largest numbers of its values along', () => {
    const plan = planned(
      graph({ x: [6, 8] }, ({ x }) => {
        const y = tanh(x)
        return { all: sum(y), rows: maxOver(y, { axis: 1 }), y: exp(y) }
      }),
    )
    expect(words(plan.instructions).filter(name => name !== 'fill')).toHaveLength(1)
  })

  test('of a softmax is three kernels: the largest, the powers with their sum, the quotients', () => {
    expect(of(graph({ x: [6, 8] }, ({ x }) => ({ y: softmax(x) }))).filter(name => name !== 'fill')).toEqual([
      'max',
      expect.stringMatching(/^sub·exp·sum$/),
      'div',
    ])
  })
})

describe('another look at a value', () => {
  test('is no work: repeating, cutting, turning, naming otherwise, and stopping gradients', () => {
    const kernels = of(
      graph({ x: [4, 6], b: [3] }, ({ x, b }) => {
        const [left, right] = split(x, { axis: 1, parts: 2 })
        const turned = permute(reshape(slice(x, { axis: 0, start: 1, size: 2 }), { shape: [3, 4] }), {
          axes: [1, 0],
        })
        const other = reshape(add(left, right), { shape: [1, 4, 3] })
        return {
          y: add(add(turned, expand(stopGradient(b), { shape: [4, 3] })), reshape(other, { shape: [4, 3] })),
        }
      }),
    )
    expect(kernels).toEqual(['add', 'add·add'])
  })

  test('that memory does not allow is one copy', () => {
    const kernels = of(
      graph({ x: [4, 6] }, ({ x }) => ({ y: tanh(reshape(permute(x, { axes: [1, 0] }), { shape: [24] })) })),
    )
    expect(kernels).toEqual(['copy', 'tanh'])
  })
})

describe('values side by side', () => {
  test('are written where they belong', () => {
    const kernels = of(
      graph({ x: [2, 3], y: [2, 5] }, ({ x, y }) => ({ z: concat([tanh(x), exp(y)], { axis: 1 }) })),
    )
    expect(kernels).toEqual(['tanh', 'exp'])
  })

  test('are written where they belong by products, and within one another', () => {
    const kernels = of(
      graph({ x: [2, 3], W: [4, 3] }, ({ x, W }) => ({
        z: concat([concat([linear(x, W), tanh(x)], { axis: 1 }), exp(x)], { axis: 1 }),
      })),
    )
    expect(kernels).not.toContain('copy')
  })

  test('are copied where they lie elsewhere already, or twice', () => {
    const kernels = of(
      graph({ x: [3] }, ({ x }) => {
        const y = tanh(x)
        return { z: concat([x, y, y]) }
      }),
    )
    expect(kernels).toEqual(['tanh', 'copy', 'copy'])
  })
})

/** An elman net over T steps, with its loss. */
const net = graph({ W: [8, 4], U: [8, 8], h: ['B', 8], xs: ['T', 'B', 4] }, ({ W, U, h, xs }) => {
  const [, ys] = scan(
    ((c: Ref, x: Ref) => {
      const next = tanh(add(linear(x, W as Ref), linear(c, U as Ref)))
      return [next, next]
    }) as never,
    { carry: h as Ref, xs: xs as Ref } as never,
  ) as unknown as readonly [Ref, Ref]
  return { loss: sum(mul(ys, ys)) as Ref<[]> }
}) as Graph

describe('a loop', () => {
  const packs = (instructions: readonly Instruction[]): number =>
    instructions.filter(({ kind }) => kind === 'pack').length

  test('of a simple net has one product and one kernel a step, forth and back', () => {
    for (const B of [1, 2, 16]) {
      const plan = planned(gradient(net, { of: 'loss', by: ['W', 'U', 'h'] }), { B })
      const loops = plan.instructions.filter(one => one.kind === 'loop')
      expect(loops).toHaveLength(2)
      for (const { body } of loops) {
        const kernels = words(body).filter(name => !['fill', 'copy'].includes(name))
        expect(kernels).toHaveLength(2)
        expect(packs(body)).toBe(0)
      }
    }
  })

  test('keeps its stacked states where the steps write them: nothing is copied in it', () => {
    const plan = planned(net, { B: 4 })
    expect(words(plan.instructions).find(word => word.startsWith('loop'))).not.toContain('copy')
  })

  test('packs what does not change before it, and what does inside it', () => {
    const matrix = (fixed: boolean): Graph =>
      graph({ A: [24, 24], c: [24, 24], xs: ['T', 24, 24] }, ({ A, c, xs }) => {
        const [end] = scan(
          ((old: Ref, x: Ref) => {
            const product = fixed
              ? contract(old, A, { spec: 'ij,jk->ik' })
              : contract(A, old, { spec: 'ij,jk->ik' })
            return [tanh(add(product, x)), {}]
          }) as never,
          { carry: c as Ref, xs: xs as Ref } as never,
        ) as unknown as readonly [Ref]
        return { end }
      }) as Graph
    for (const fixed of [true, false]) {
      const plan = planned(matrix(fixed))
      const body = plan.instructions.flatMap(one => (one.kind === 'loop' ? one.body : []))
      const tiles = body.filter(one => one.kind === 'product' && one.form === 'tile').length
      expect(packs(body)).toBe(fixed ? 0 : tiles)
      if (fixed) expect(packs(plan.instructions)).toBe(tiles)
    }
  })
})

describe('a plan', () => {
  const target = { type: 'f64', fma: false, trace: false } as const
  const moduleOf = (plan: Plan): Uint8Array => {
    const header = headerOf(plan, 4096)
    const arena = layOut(plan, header, placeBuffers(plan), 8, new Map(plan.axes.map(axis => [axis, 3])))
    return emitModule(plan, header, arena, { ...target, constants: new ConstantTable(CONSTANTS) }).bytes
  }

  test('made twice is the same module, byte by byte', () => {
    fc.assert(
      fc.property(arbitraryLayout(), ({ graph: made }) => {
        const [one, two] = [planned(made, { T: 3 }), planned(made, { T: 3 })]
        expect(moduleOf(one)).toEqual(moduleOf(two))
        expect(WebAssembly.validate(moduleOf(one) as Uint8Array<ArrayBuffer>)).toBe(true)
      }),
      { numRuns: 60, seed: 1 },
    )
  })

  test('writes every value before it is read, and gives values that meet places that do not', () => {
    fc.assert(
      fc.property(arbitraryLayout({ max: false }), ({ graph: made }) => {
        for (const form of [made, gradient(made, { of: 'loss', by: [''] })]) {
          const plan = planned(form, { T: 3 })
          expect(unwritten(plan)).toEqual([])
        }
      }),
      { numRuns: 100, seed: 2 },
    )
  })

  test('of a long chain takes no more memory than of a short one', () => {
    const chain = (length: number): Graph =>
      graph({ x: [40, 40] }, ({ x }) => {
        let y = x as Ref
        for (let i = 0; i < length; i++) y = tanh(contract(y, x, { spec: 'ij,kj->ik' })) as Ref
        return { y }
      }) as Graph
    const room = (length: number): number => placeBuffers(planned(chain(length))).sizes.get('')!
    expect(room(30)).toBe(room(6))
  })

  test('has two places for a value that is kept, and no more', () => {
    const made = graph({ w: [5], x: [5] }, ({ w, x }) => ({ w: add(w, x), y: mul(w, x) }))
    const plan = planned(made, {}, { w: 'w' })
    expect(plan.swaps).toHaveLength(1)
    expect(words(plan.instructions)).not.toContain('copy')
  })
})

/** Buffers that an instruction reads before any has written them. */
function unwritten(plan: Plan): readonly string[] {
  const written = new Set([...plan.inputs, ...plan.constants].map(({ view }) => view.buffer.id))
  const found: string[] = []
  const read = (one: Instruction, id: number, name: string): void => {
    if (!written.has(id)) found.push(`${one.kind} reads ${name} ${id}`)
  }
  const visit = (instructions: readonly Instruction[]): void => {
    for (const one of instructions) {
      if (one.kind === 'loop') {
        visit(one.body)
        continue
      }
      const { reads, writes } = touched(one)
      for (const { id, name } of reads) read(one, id, name)
      for (const { id } of writes) written.add(id)
    }
  }
  visit(plan.instructions)
  return found
}

interface Touched {
  readonly id: number
  readonly name: string
}

function touched(one: Exclude<Instruction, { kind: 'loop' }>): {
  reads: readonly Touched[]
  writes: readonly Touched[]
} {
  if (one.kind === 'fused') {
    const from = one.expressions.flatMap(it => (it.kind === 'read' ? [one.operands[it.operand]!.buffer] : []))
    const sums = one.stores.flatMap(({ how, operand }) =>
      how === 'set' ? [] : [one.operands[operand]!.buffer],
    )
    return {
      reads: [...from, ...sums],
      writes: one.stores.map(({ operand }) => one.operands[operand]!.buffer),
    }
  }
  if (one.kind === 'product') return { reads: [one.a.buffer, one.b.buffer], writes: [one.y.buffer] }
  if (one.kind === 'pack') return { reads: [one.from.buffer], writes: [one.to.buffer] }
  if (one.kind === 'call')
    return { reads: one.inputs.map(({ buffer }) => buffer), writes: one.outputs.map(({ buffer }) => buffer) }
  const [table, rows] = [one.table.buffer, one.rows.buffer]
  if (one.direction === 'out') return { reads: [table, one.ids.buffer], writes: [rows] }
  return { reads: [table, one.ids.buffer, rows], writes: [table] }
}
