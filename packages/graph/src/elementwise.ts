import { GraphError } from './error.js'
import { broadcastSteps, expand, sumTo } from './linear.js'
import { type At, type Binary, type Declared, type Op, op } from './op.js'
import { isConstant, type Ref, type Term } from './ref.js'
import { broadcast, type Shape, sameShape, showShape, sizeOf } from './shape.js'
import { filled, type Tensor } from './tensor.js'

/** A declaration of a function of numbers, applied element by element to inputs that broadcast. */
export interface ElementwiseDeclaration<N extends readonly string[], A> extends Declared<N, A> {
  /** One number from one number of each input; the settings are its last argument. */
  readonly f: (...args: never[]) => number
  /** ∂f/∂input for every input the function depends on differentiably, written in ops. */
  readonly partials: { readonly [K in N[number]]?: (at: At<N, A>) => Term }
  /** Floating-point operations per element; a transcendental counts 8. */
  readonly flops?: number
}

/**
 * Declares a function applied element by element; inputs broadcast.
 * Both derivative modes follow from the partial derivatives: ẏ = Σ pᵢ ẋᵢ and x̄ᵢ = sumTo(pᵢ ȳ).
 */
export function elementwise<const N extends readonly string[], A extends object = Record<never, never>>(
  declared: ElementwiseDeclaration<N, A>,
): Op<N, NoInfer<A>> {
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
  return op<N, A>({
    cases: broadcastCases(declared.inputs.length),
    ...rest,
    shape: inputs => commonShape(declared.name, declared.inputs, inputs),
    forward: (inputs, run) =>
      mapElements(f as (...args: unknown[]) => number, inputs, run.shapes[0]!, run.attrs),
    jvp: jvp as never,
    vjp: vjp as never,
    flops: (_x, { shapes }) => flops * sizeOf(shapes[0]!),
  })
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

/** `f` at every element of the broadcast inputs: tight loops for the shapes that occur most, a strided walk for the rest. */
export function mapElements(
  f: (...args: unknown[]) => number,
  inputs: readonly Tensor[],
  shape: readonly number[],
  attrs: unknown,
): Tensor {
  const out = filled(shape, 0)
  const y = out.data
  const [a, b] = inputs
  if (inputs.length === 1) for (let i = 0; i < y.length; i++) y[i] = f(a!.data[i], attrs)
  else if (inputs.length === 2 && a!.data.length === y.length && b!.data.length === y.length)
    for (let i = 0; i < y.length; i++) y[i] = f(a!.data[i], b!.data[i], attrs)
  else if (inputs.length === 2 && a!.data.length === y.length && b!.data.length === 1)
    for (let i = 0; i < y.length; i++) y[i] = f(a!.data[i], b!.data[0], attrs)
  else applyStrided(f, inputs, out, attrs)
  return out
}

function applyStrided(
  f: (...args: unknown[]) => number,
  inputs: readonly Tensor[],
  out: Tensor,
  attrs: unknown,
): void {
  const { shape, data: y } = out
  const steps = inputs.map(input => broadcastSteps(input.shape, shape))
  const from = inputs.map(() => 0)
  const at = shape.map(() => 0)
  for (let i = 0; i < y.length; i++) {
    y[i] = f(...inputs.map((input, k) => input.data[from[k]!]), attrs)
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const wraps = ++at[axis]! >= shape[axis]!
      for (let k = 0; k < from.length; k++) from[k]! += steps[k]![axis]! * (wraps ? 1 - shape[axis]! : 1)
      if (!wraps) break
      at[axis] = 0
    }
  }
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
  inputs: ['a', 'b'],
  saves: [],
  f: (a: number, b: number) => a + b,
  partials: { a: () => 1, b: () => 1 },
})

/** a · b, element by element. ∂a = b, ∂b = a. */
export const mul: Binary = elementwise({
  name: 'mul',
  inputs: ['a', 'b'],
  saves: ['a', 'b'],
  f: (a: number, b: number) => a * b,
  partials: { a: ({ b }) => b, b: ({ a }) => a },
  fold: ([a, b]) => (isConstant(a!, 1) ? b : isConstant(b!, 1) ? a : undefined),
})
