import { add, mul } from '../../elementwise.js'
import { contract } from '../../ops/contract.js'
import { tanh } from '../../ops/functions.js'
import { sum } from '../../ops/reduce.js'
import { scan } from '../../ops/scan.js'
import type { Ref } from '../../ref.js'
import { drawTensor, randomFrom } from '../random.js'
import { applyAny } from './any.js'
import type { Instruction } from './code.js'
import { about, adapt, calm, innermost, nth, nthWhere, type Pool, type Value } from './pool.js'

type Step = (pool: Pool, code: Instruction) => Value

/** Steps beside the ops themselves: products over chosen axes, sums along one axis, literals, constants. */
const special: readonly Step[] = [product, product, product, reduced, scaled, shifted, fixed]

/** Grows the pool by one value per instruction, two or more for a loop. */
export function growPool(pool: Pool, code: readonly Instruction[]): void {
  for (const one of code)
    if (one.body !== undefined) pool.values.push(...loop(pool, one, one.body))
    else pool.values.push(stepOf(pool, one.pick)(pool, one))
}

function stepOf(pool: Pool, pick: number): Step {
  const at = pick % (pool.ops.length + special.length)
  const spec = pool.ops[at]
  return spec === undefined ? special[at - pool.ops.length]! : (from, code) => applyAny(from, code, spec)
}

const LETTERS = 'abcdef'

/** A product of two values over axes of equal length, some summed, some kept. */
function product(pool: Pool, { a, b, c }: Instruction): Value {
  const left = calm(nthWhere(pool, a, ({ ref }) => ref.shape.length <= 2) ?? adapt(nth(pool, a), []), 2)
  const right = calm(nthWhere(pool, b, ({ ref }) => ref.shape.length <= 2) ?? left, 2)
  const letters = [...LETTERS.slice(0, left.ref.shape.length)]
  const free = new Set(letters)
  const other = right.ref.shape.map((dim, axis) => {
    const shared = [...free].find(letter => left.ref.shape[letters.indexOf(letter)] === dim)
    if (shared !== undefined) free.delete(shared)
    return shared ?? LETTERS[3 + axis]!
  })
  const all = [...letters, ...other.filter(letter => !letters.includes(letter))]
  const summed = all.filter(
    (letter, i) => letters.includes(letter) && other.includes(letter) && (c >> i) % 2 === 0,
  )
  const kept = all.filter(letter => !summed.includes(letter))
  const out = c % 3 === 0 ? kept.toReversed() : kept
  const ref = contract(left.ref, right.ref, {
    spec: `${letters.join('')},${other.join('')}->${out.join('')}`,
  })
  const terms = about(summed.map(letter => left.ref.shape[letters.indexOf(letter)]!))
  return { ref, bound: left.bound * right.bound * terms }
}

/** A sum along one axis. */
function reduced(pool: Pool, { a, c }: Instruction): Value {
  const { ref, bound } = nth(pool, a)
  if (ref.shape.length === 0) return scaled(pool, { pick: 0, a, b: 0, c })
  const axis = c % ref.shape.length
  return { ref: sum(ref as Ref, { axis, keepDims: c % 2 === 1 }), bound: bound * about([ref.shape[axis]!]) }
}

const literal = (c: number): number => ((c % 13) - 6) / 4

function scaled(pool: Pool, { a, c }: Instruction): Value {
  const { ref, bound } = nth(pool, a)
  return { ref: mul(ref, literal(c)), bound: bound * Math.abs(literal(c)) }
}

function shifted(pool: Pool, { a, c }: Instruction): Value {
  const { ref, bound } = nth(pool, a)
  return { ref: add(ref, literal(c)), bound: bound + Math.abs(literal(c)) }
}

/** A constant tensor. */
function fixed(pool: Pool, { a, b, c }: Instruction): Value {
  const shapes = [[], [3], [2, 3], [3, 3]]
  const value = drawTensor(randomFrom(64 * b + c), shapes[b % shapes.length]!)
  return { ref: nth(pool, a).ref.builder.constant(value), bound: 1 }
}

/** A carry squashed at every step, a counter beside it, up to two sequences. */
interface Loop {
  readonly start: Value
  readonly count: number
  readonly sequences: readonly Value[]
  readonly length: number | string
}

interface Carry {
  readonly h: Ref
  readonly n: Ref
}

function loopOf(pool: Pool, { a, b, c }: Instruction): Loop {
  const first = nthWhere(pool, a, ({ ref }) => ref.shape.length > 0)
  const length = first?.ref.shape[0] ?? 3
  const second = nthWhere(pool, b, ({ ref }) => ref.shape[0] === length && ref !== first?.ref)
  const sequences = [first, c % 2 === 0 ? second : undefined].filter(value => value !== undefined)
  const start = nthWhere(pool, b, ({ ref }) => ref.shape.length < 3) ?? nth(pool, b)
  return { start: calm(innermost(pool, start), 1), count: literal(c) / 2, sequences, length }
}

/** A loop over values of the pool, which its body can use, too; every third is without a stacked output. */
function loop(pool: Pool, code: Instruction, body: readonly Instruction[]): readonly Value[] {
  const { start, count, sequences, length } = loopOf(pool, code)
  let last = start
  const step = (carry: Carry, x: Readonly<Record<string, Ref>>): readonly [Carry, { y?: Ref }] => {
    const xs = Object.values(x).map((ref, i) => ({ ref, bound: sequences[i]!.bound }))
    last = grownInside(pool, carry, xs, body)
    return [nextCarry(carry, last), code.c % 3 === 2 ? {} : { y: last.ref }]
  }
  const xs = Object.fromEntries(sequences.map(({ ref }, i) => [`s${i}`, ref]))
  const carry = { h: start.ref, n: count }
  const [end, { y }] = scan(step as never, {
    carry,
    xs,
    length,
    reverse: code.c % 4 > 1,
  }) as unknown as readonly [Carry, { y?: Ref }]
  const stacked = y === undefined ? [] : [{ ref: y, bound: last.bound }]
  return [{ ref: end.n, bound: 1 }, { ref: end.h, bound: 1 }, ...stacked]
}

/** The last value of a body grown from the values around it and those of one step. */
function grownInside(pool: Pool, { h, n }: Carry, xs: readonly Value[], body: readonly Instruction[]): Value {
  const values = [...pool.values, { ref: n, bound: 1 }, ...xs, { ref: h, bound: 1 }]
  const inner = { ...pool, values }
  growPool(inner, body)
  return nth(inner, 0)
}

function nextCarry({ h, n }: Carry, last: Value): Carry {
  const next = tanh(add(mul(h, 0.5), calm(adapt(last, h.shape), 3).ref)) as Ref
  return { h: next, n: tanh(add(n, calm(adapt(last, []), 3).ref)) as Ref }
}
