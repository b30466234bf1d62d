import { GraphError } from './error.js'
import { expand, sumTo } from './linear.js'
import { type Elementwise, mapElements } from './map.js'
import { type At, type Binary, type Declared, type Op, op, type Unary } from './op.js'
import { isConstant, type Ref, type Term } from './ref.js'
import { broadcast, type Shape, sameShape, showShape, sizeOf } from './shape.js'

/** A declaration of a function of numbers, applied element by element to inputs that broadcast. */
export interface ElementwiseDeclaration<N extends readonly string[], A> extends Declared<N, A> {
  /** One number from one number of each input; the settings are its last argument. */
  readonly f: (...args: never[]) => number
  /** ∂f/∂input for every input the function depends on differentiably, written in ops. */
  readonly partials: { readonly [K in N[number]]?: (at: At<N, A>) => Term }
  /** Floating-point operations per element; a transcendental counts 8. */
  readonly flops?: number
}

/** What an elementwise declaration makes: without settings, an op whose result shape the type checker knows. */
export type ElementwiseOp<N extends readonly string[], A> = keyof A extends never
  ? N['length'] extends 1
    ? Unary
    : N['length'] extends 2
      ? Binary
      : Op<N, A>
  : Op<N, A>

/**
 * Declares a function applied element by element; inputs broadcast.
 * Both derivative modes follow from the partial derivatives: ẏ = Σ pᵢ ẋᵢ and x̄ᵢ = sumTo(pᵢ ȳ).
 */
/* @__NO_SIDE_EFFECTS__ */
export function elementwise<const N extends readonly string[], A extends object = Record<never, never>>(
  declared: ElementwiseDeclaration<N, A>,
): ElementwiseOp<N, NoInfer<A>> {
  const { f, partials, flops = 1, ...rest } = declared
  const jvp: Record<string, (tangent: Ref, at: At<N, A>) => Ref> = {}
  const vjp: Record<string, (cotangent: Ref, at: At<N, A>) => Ref> = {}
  for (const [name, partial] of Object.entries(partials) as [
    N[number],
    ((at: At<N, A>) => Term) | undefined,
  ][]) {
    if (partial === undefined) continue
    jvp[name] = (tangent, at) => expand(times(tangent, partial(at)), { shape: at.y.shape })
    vjp[name] = (cotangent, at) => sumTo(times(cotangent, partial(at)), { shape: (at[name] as Ref).shape })
  }
  const made: unknown = op<N, A>({
    cases: broadcastCases(declared.inputs.length),
    ...rest,
    shape: inputs => commonShape(declared.name, declared.inputs, inputs),
    forward: (inputs, run) => mapElements(f as Elementwise, inputs, run.shapes[0]!, run.attrs),
    jvp: jvp as never,
    vjp: vjp as never,
    flops: (_x, { shapes }) => flops * sizeOf(shapes[0]!),
  })
  return made as ElementwiseOp<N, NoInfer<A>>
}

const times = (value: Ref, by: Term): Ref => (by === 1 ? value : mul(value, by))

/** The shape that all inputs broadcast to. */
export function commonShape(name: string, names: readonly string[], shapes: readonly Shape[]): Shape {
  return shapes.reduce((all, shape, i) => {
    const out = broadcast(all, shape)
    if (out !== undefined) return out
    throw new GraphError(
      'shape',
      name,
      `${names.slice(0, i).join(', ')} ${showShape(all)} and ${names[i]} ${showShape(shape)} do not broadcast; axes align from the last, with equal lengths or 1`,
      sameShape(all.toReversed(), shape) ? `transpose ${names[i]}` : undefined,
    )
  })
}

function broadcastCases(arity: number): readonly { shapes: readonly Shape[] }[] {
  if (arity === 1) return [{ shapes: [[]] }, { shapes: [[3]] }, { shapes: [[2, 3]] }]
  const fill = (first: Shape, second: Shape): { shapes: readonly Shape[] } => ({
    shapes: Array.from({ length: arity }, (_, i) => (i === 0 ? first : second)),
  })
  return [fill([], []), fill([2, 3], [3]), fill([3], [2, 1]), fill([2, 3], []), fill([2, 2], [2, 2])]
}

/** a + b. */
export const add: Binary = elementwise({
  name: 'add',
  lanes: (e, a, b) => e.add(a, b),
  inputs: ['a', 'b'],
  saves: [],
  f: (a: number, b: number) => a + b,
  partials: { a: () => 1, b: () => 1 },
})

/** a · b, element by element. ∂a = b, ∂b = a. */
export const mul: Binary = elementwise({
  name: 'mul',
  lanes: (e, a, b) => e.mul(a, b),
  inputs: ['a', 'b'],
  saves: ['a', 'b'],
  f: (a: number, b: number) => a * b,
  partials: { a: ({ b }) => b, b: ({ a }) => a },
  fold: ([a, b]) => (isConstant(a!, 1) ? b : isConstant(b!, 1) ? a : undefined),
})
