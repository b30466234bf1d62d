import type { Attrs } from './attrs.js'
import { applyOp } from './builder.js'
import { GraphError } from './error.js'
import type { Ref, Term } from './ref.js'
import type { Shape } from './shape.js'
import { sizeOf } from './shape.js'
import type { Linearized, OpSpec, Pushed, Run, Samples } from './spec.js'
import type { Tensor } from './tensor.js'

/** What a derivative rule may read: the inputs by name, the output `y`, and the settings. */
export type At<N extends readonly string[], A> = { readonly [K in N[number] | 'y']: Ref } & {
  readonly attrs: A
}

type Terms<N extends readonly string[]> = { readonly [K in keyof N]: Term }

/** An op: applied by calling it, described by its `spec`. Ops without settings take terms only. */
export type Op<N extends readonly string[] = readonly string[], A = Attrs> = (keyof A extends never
  ? (...terms: Terms<N>) => Ref
  : (...terms: [...Terms<N>, A]) => Ref) & { readonly spec: OpSpec }

/** An op of one input without settings. */
export type Unary = Op<readonly ['x'], Record<never, never>>

/** An op of two inputs without settings. */
export type Binary = Op<readonly ['a', 'b'], Record<never, never>>

/** Fields that every way of declaring an op shares. */
export interface Declared<N extends readonly string[], A> {
  readonly name: string
  readonly inputs: N
  /** Names of the inputs, and `y`, whose values the derivative reads. */
  readonly saves: readonly (N[number] | 'y')[]
  /** A cheaper equal value, tried as the node is made. */
  readonly fold?: (inputs: readonly Ref[], attrs: A) => Ref | undefined
  /** Whole-number inputs: name → exclusive upper bound of the values the laws draw. */
  readonly integers?: { readonly [K in N[number]]?: number }
  readonly domain?: readonly [low: number, high: number]
  readonly cases?: readonly { readonly shapes: readonly Shape[]; readonly attrs?: A }[]
  readonly analytic?: boolean
}

/** A declaration by pullbacks: the general form. */
export interface OpDeclaration<N extends readonly string[], A> extends Declared<N, A> {
  readonly shape: (inputs: readonly Shape[], attrs: A) => Shape
  readonly forward: (inputs: readonly Tensor[], run: Run & { readonly attrs: A }) => Tensor
  /** Per differentiable input: its tangent to its part of the output's tangent. */
  readonly jvp: { readonly [K in N[number]]?: (tangent: Ref, at: At<N, A>) => Ref | null }
  /** Per differentiable input: the output's cotangent to the input's. */
  readonly vjp: { readonly [K in N[number]]?: (cotangent: Ref, at: At<N, A>) => Ref | null }
  readonly flops?: (inputs: readonly (readonly number[])[], run: Run & { readonly attrs: A }) => number
}

/**
 * Declares an op by its shape rule, forward function, pushforwards (`jvp`) and pullbacks (`vjp`).
 *
 * Rules are written in ops, per input; an input without a rule has no derivative, and a rule may return
 * null where there is none. A rule returns tangents or cotangents only, never the primal value.
 */
export function op<const N extends readonly string[], A extends object = Record<never, never>>(
  declared: OpDeclaration<N, A>,
): Op<N, NoInfer<A>> {
  const { name, inputs, shape, forward, jvp, vjp } = declared
  const rules = inputs.map(input => vjp[input as N[number]])
  const pushes = inputs.map(input => jvp[input as N[number]])
  const spec: OpSpec = {
    name,
    inputs,
    variadic: false,
    saves: declared.saves,
    analytic: declared.analytic ?? true,
    differentiable: position => rules[position] !== undefined,
    shapes: (x, attrs) => [shape(x, attrs as A)],
    forward: (x, run) => [forward(x, run as Run & { attrs: A })],
    linearize: (x, attrs, wants) => linearizeBy(spec, rules as Rule[], x, attrs, wants),
    push: (x, attrs, tangents) => pushBy(spec, pushes as Rule[], x, attrs, tangents),
    fold: declared.fold as OpSpec['fold'],
    flops: (x, run) => (declared.flops ?? onePerElement)(x, run as Run & { attrs: A }),
    samples: samplesOf(declared),
  }
  return callable<N, A>(spec)
}

type Rule = ((cotangent: Ref, at: unknown) => Ref | null) | undefined

const onePerElement = (_x: unknown, { shapes }: Run): number => sizeOf(shapes[0]!)

/** The default way back: ask the rule of every wanted input. */
function linearizeBy(
  spec: OpSpec,
  rules: readonly Rule[],
  x: readonly Ref[],
  attrs: Attrs,
  wants: readonly boolean[],
): Linearized {
  const y = x[0]!.builder.apply(spec, x, attrs)[0]!
  const at = siteOf(spec, x, y, attrs)
  return {
    outputs: [y],
    pullback: ([g]) => rules.map((rule, i) => (g && wants[i] && rule ? rule(g, at) : null)),
  }
}

/** The default way forward: one summand per input that has a tangent. */
function pushBy(
  spec: OpSpec,
  rules: readonly Rule[],
  x: readonly Ref[],
  attrs: Attrs,
  tangents: readonly (Ref | null)[],
): Pushed {
  const y = x[0]!.builder.apply(spec, x, attrs)[0]!
  const at = siteOf(spec, x, y, attrs)
  const parts = tangents
    .map((dx, i) => (dx && rules[i] ? rules[i](dx, at) : null))
    .filter(part => part !== null)
  return { outputs: [y], tangents: [parts] }
}

function siteOf(spec: OpSpec, x: readonly Ref[], y: Ref, attrs: Attrs): Record<string, unknown> {
  const at: Record<string, unknown> = { attrs, y }
  spec.inputs.forEach((name, i) => {
    at[name] = x[i]
  })
  return at
}

/** Makes a spec callable on terms, with its settings as the last argument. */
export function callable<const N extends readonly string[], A>(spec: OpSpec): Op<N, A> {
  const arity = spec.inputs.length
  const call = (...args: unknown[]): Ref => {
    if (args.length < arity)
      throw new GraphError(
        'arity',
        spec.name,
        `takes ${arity} inputs (${spec.inputs.join(', ')}), got ${args.length}`,
      )
    return applyOp(spec, args.slice(0, arity) as Term[], (args[arity] ?? {}) as Attrs)[0]!
  }
  Object.defineProperty(call, 'name', { value: spec.name })
  return Object.assign(call, { spec }) as unknown as Op<N, A>
}

/** The test domain of a declaration, with the defaults. */
export function samplesOf<N extends readonly string[], A>(declared: Declared<N, A>): Samples {
  const integers: Record<number, number> = {}
  declared.inputs.forEach((name, i) => {
    const bound = declared.integers?.[name as N[number]]
    if (bound !== undefined) integers[i] = bound
  })
  return {
    domain: declared.domain ?? [-2, 2],
    cases: (declared.cases ?? defaultCases(declared.inputs.length)) as Samples['cases'],
    integers,
  }
}

function defaultCases(arity: number): Samples['cases'] {
  const last = [[], [3], [2, 3]] as const
  if (arity === 1) return last.map(shape => ({ shapes: [shape] }))
  return [{ shapes: Array.from({ length: arity }, () => [2, 3]) }]
}
