import fc from 'fast-check'
import {
  add,
  contract,
  expand,
  type Graph,
  gate,
  graph,
  mul,
  nested,
  print,
  type Ref,
  scan,
  sigmoid,
  slice,
  square,
  sub,
  sum,
  type Tensor,
  type Term,
  tanh,
  tensor,
} from '../src/index.js'

/** One random choice: what is done, and to which values. */
type Choice = readonly [kind: number, a: number, b: number]

const choice: fc.Arbitrary<Choice> = fc.tuple(fc.nat(30), fc.nat(1000), fc.nat(1000))

/** A random program with a scalar loss, and values for its inputs. */
export interface Program {
  readonly graph: Graph
  readonly values: Readonly<Record<string, Tensor>>
}

/** Random graphs: fan-out, dead nodes, repeated subexpressions, constants of all kinds, loops in loops, a named axis. */
export const programs: fc.Arbitrary<Program> = fc
  .record({
    main: fc.array(choice, { minLength: 1, maxLength: 14 }),
    body: fc.array(choice, { minLength: 1, maxLength: 6 }),
    inner: fc.array(choice, { minLength: 1, maxLength: 3 }),
    steps: fc.integer({ min: 0, max: 3 }),
    data: fc.array(fc.double({ min: -1.5, max: 1.5, noNaN: true }), { minLength: 40, maxLength: 40 }),
  })
  .map(({ main, body, inner, steps, data }) => {
    let at = 0
    const draw = (...shape: number[]): Tensor =>
      tensor(
        Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => data[at++ % 40]!),
        shape,
      )
    return shown({
      graph: graph({ w: [2, 2], v: [2], x: ['T', 2] }, ({ w, v, x }) => {
        const pool: Ref[] = [v, w]
        for (const step of main) pool.push(next(pool, step, x, [body, inner]))
        const losses = pool.slice(-3).map(ref => sum(square(ref)))
        return { loss: losses.reduce((all, one) => add(all, one)), last: pool[pool.length - 1]! }
      }) as Graph,
      values: { w: draw(2, 2), v: draw(2), x: draw(steps, 2) },
    })
  })

/** The program, which fast-check reports as its text. */
function shown(program: Program): Program {
  const text = (): string =>
    `${print(program.graph)}\n${Object.entries(program.values)
      .map(([name, value]) => `${name} = ${JSON.stringify(nested(value))}`)
      .join('\n')}`
  return Object.defineProperty(program, fc.toStringMethod, { value: text })
}

function next(
  pool: readonly Ref[],
  [kind, a, b]: Choice,
  x: Ref,
  bodies: readonly (readonly Choice[])[],
): Ref {
  const pick = (n: number): Ref => pool[n % pool.length]!
  const row = (n: number): Ref => {
    const ref = pick(n)
    return ref.shape.length === 1 ? ref : contract(ref, tensor([1, -0.5]), { spec: 'ij,j->i' })
  }
  const square2 = (n: number): Ref => {
    const ref = pick(n)
    return ref.shape.length === 2 ? ref : expand(ref, { shape: [2, 2] })
  }
  const one: readonly (() => Ref)[] = [
    () => tanh(pick(a)),
    () => sigmoid(pick(a)),
    () => add(pick(a), pick(b)),
    () => mul(pick(a), row(b)),
    () => sub([1, 0.5, -0, 2][b % 4]!, pick(a)),
    () => mul(pick(a), tensor([0.5, -0.25])),
    () => gate(pick(a), { by: [0, 0.5, 1][b % 3]! }),
    () => contract(square2(a), row(b), { spec: 'ij,j->i' }),
    () => contract(square2(a), square2(b), { spec: 'ij,kj->ik' }),
    () => slice(expand(row(a), { shape: [3, 2] }), { axis: 0, start: b % 2, size: 2 }),
  ]
  if (bodies.length > 0 && kind % 11 === 10) return loop(pool, a, b, x, bodies)
  return one[kind % one.length]!()
}

function loop(
  pool: readonly Ref[],
  a: number,
  b: number,
  x: Ref,
  [body, ...inner]: readonly (readonly Choice[])[],
): Ref {
  const start: Record<string, Term> = { h: pool[0]!, idle: pool[a % pool.length]!, zero: tensor([0, 0]) }
  const [carry, y] = scan(
    (state, slice) => {
      const within: Ref[] = [state['h']!, pool[1]!, slice, state['zero']!]
      for (const step of body!) within.push(next(within, step, x, inner))
      const last = within[within.length - 1]!
      const h = last.shape.length === 1 ? last : contract(last, tensor([0.5, 0.5]), { spec: 'ij,j->i' })
      return [
        { h: tanh(add(h, slice)), idle: mul(state['idle']!, 0.5), zero: state['zero']! },
        { h, twice: mul(h, 2), unused: square(slice) },
      ]
    },
    { carry: start, xs: x, reverse: b % 2 === 0 },
  )
  const sums = [carry['h']!, sum(y.h, { axis: 0 }), sum(y.twice, { axis: 0 })]
  return b % 3 === 0 ? add(sums[0]!, sums[1]!) : sums[b % 3]!
}

/** Elements of an output, flat. */
export function flat(value: unknown): readonly number[] {
  return Array.from((value as Tensor).data)
}

/** Nodes of a graph and of the bodies of its loops. */
export function countNodes(g: Graph): number {
  return g.nodes.reduce((sum, node) => {
    const body = node.kind === 'apply' ? node.op.inner?.(node.attrs).graph : undefined
    return sum + 1 + (body === undefined ? 0 : countNodes(body))
  }, 0)
}
