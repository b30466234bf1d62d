import type { Attrs } from './attrs.js'
import { applyOp } from './builder.js'
import type { Emission } from './emission.js'
import { GraphError } from './error.js'
import type { Linearized, OpSpec, Pushed, Run, Samples } from './graph.js'
import type { Lane, Lanes } from './lanes.js'
import { isRef, type Ref, type Term } from './ref.js'
import type { Shape } from './shape.js'
import { sizeOf } from './shape.js'
import { isTensor, type Tensor } from './tensor.js'
import type { Joined } from './typed.js'

/** What a derivative rule may read: the inputs by name, the output `y`, and the settings. */
export type At<N extends readonly string[], A> = { readonly [K in N[number] | 'y']: Ref } & {
  readonly attrs: A
}

type Terms<N extends readonly string[]> = { readonly [K in keyof N]: Term }

/** An op: applied by calling it, described by its `spec`. Ops without settings take terms only. */
export type Op<N extends readonly string[] = readonly string[], A = Attrs> = (keyof A extends never
  ? (...terms: Terms<N>) => Ref
  : (...terms: [...Terms<N>, A]) => Ref) & { readonly spec: OpSpec }

/** A function of one value, element by element: the shape stays. */
export interface Unary {
  <S extends Shape>(x: Ref<S>): Ref<S>
  (x: Term): Ref
  readonly spec: OpSpec
}

/** A function of two values, element by element: the shapes broadcast. */
export interface Binary {
  <A extends Term, B extends Term>(a: A, b: B): Ref<Joined<A, B>>
  readonly spec: OpSpec
}

/** An op of one value with settings, whose result has the shape of the value. */
export interface Keeping<A> {
  <S extends Shape>(x: Ref<S>, settings: A): Ref<S>
  (x: Term, settings: A): Ref
  readonly spec: OpSpec
}

/** An op whose setting is the shape of its result. */
export interface Reshaping {
  <const S extends Shape>(x: Term, settings: { readonly shape: S }): Ref<S>
  readonly spec: OpSpec
}

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
  /** True where only the lengths of the inputs' axes are read, never their numbers. */
  readonly measures?: boolean
  /** Machine code, element by element: one register of each input, then the settings. */
  readonly lanes?: (e: Lanes, ...args: [...{ readonly [K in keyof N]: Lane }, A]) => Lane
  /** How it is compiled where it is no elementwise op. */
  readonly emission?: Emission
  /** The same value in simpler ops, for compilation; undefined where it stays as it is. */
  readonly lower?: (inputs: readonly Ref[], attrs: A) => Ref | undefined
  /** The op at every place of a new first axis, which the `mapped` inputs have (at least one). */
  readonly map?: (inputs: readonly Ref[], mapped: readonly boolean[], attrs: A) => Ref
  /** Which inputs can have that axis; any, where not given. */
  readonly mappable?: (mapped: readonly boolean[]) => boolean
  /** The sum of the op's values over a new first axis of all inputs, where that is one application. */
  readonly accumulate?: (inputs: readonly Ref[], attrs: A) => Ref
}

/** A declaration by pullbacks: the general form. */
export interface OpDeclaration<N extends readonly string[], A> extends Declared<N, A> {
  /** The shape rule: throws a GraphError where the input does not fit. */
  readonly shape: (inputs: readonly Shape[], attrs: A) => Shape
  /** The value, in float64; the input is not changed. */
  readonly forward: (inputs: readonly Tensor[], run: Run & { readonly attrs: A }) => Tensor
  /** Per differentiable input: its tangent to its part of the output's tangent. */
  readonly jvp: { readonly [K in N[number]]?: (tangent: Ref, at: At<N, A>) => Ref | null }
  /** Per differentiable input: the output's cotangent to the input's. */
  readonly vjp: { readonly [K in N[number]]?: (cotangent: Ref, at: At<N, A>) => Ref | null }
  /** Floating-point operations of one application. */
  readonly flops?: (inputs: readonly (readonly number[])[], run: Run & { readonly attrs: A }) => number
}

/**
 * Declares an op by its shape rule, forward function, pushforwards (`jvp`) and pullbacks (`vjp`).
 *
 * Rules are written in ops, per input; an input without a rule has no derivative, and a rule may return
 * null where there is none. A rule returns tangents or cotangents only, never the primal value.
 */
/* @__NO_SIDE_EFFECTS__ */
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
    measures: declared.measures ?? false,
    flops: (x, run) => (declared.flops ?? onePerElement)(x, run as Run & { attrs: A }),
    samples: samplesOf(declared),
    emission: emissionOf(declared),
    lower: declared.lower as OpSpec['lower'],
    map: declared.map as OpSpec['map'],
    mappable: declared.mappable,
    accumulate: declared.accumulate as OpSpec['accumulate'],
  }
  return callable<N, A>(spec)
}

function emissionOf<N extends readonly string[], A>({
  lanes,
  emission,
}: Declared<N, A>): Emission | undefined {
  if (lanes === undefined) return emission
  const emit = lanes as (e: Lanes, ...args: readonly unknown[]) => Lane
  return { kind: 'lanes', lanes: (e, inputs, attrs) => emit(e, ...inputs, attrs) }
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
    if (args.length < arity) throw wrongArity(spec, args.length)
    if (args.length > arity + 1 || isTerm(args[arity])) throw wrongArity(spec, args.length)
    return applyOp(spec, args.slice(0, arity) as Term[], (args[arity] ?? {}) as Attrs)[0]!
  }
  Object.defineProperty(call, 'name', { value: spec.name })
  return Object.assign(call, { spec }) as unknown as Op<N, A>
}

const isTerm = (value: unknown): boolean => isRef(value) || typeof value === 'number' || isTensor(value)

function wrongArity({ name, inputs }: OpSpec, given: number): GraphError {
  const rule = `it takes ${inputs.length}: ${inputs.join(', ')}`
  return new GraphError('arity', name, `got ${given} of its inputs; ${rule}`)
}

/** The test domain of a declaration, with the defaults. */
function samplesOf<N extends readonly string[], A>(declared: Declared<N, A>): Samples {
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
