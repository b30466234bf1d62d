import type { Ref, Term } from './ref.js'
import type { Dim, Shape } from './shape.js'

/** The shape of a term as far as the type checker knows it: a number is a scalar, a tensor has any shape. */
export type ShapeOf<T> = T extends Ref<infer S> ? S : T extends number ? readonly [] : Shape

/** True for a shape whose rank the type checker does not know. */
type Open<S extends Shape> = number extends S['length'] ? true : false

/** True for a length or a name that is written in the program text. */
type Literal<D> = number extends D ? false : string extends D ? false : true

/** The length two broadcast axes have together; never where two literal lengths do not fit. */
type JoinedDim<A, B> = A extends 1
  ? B
  : B extends 1
    ? A
    : Literal<A> extends false
      ? B
      : Literal<B> extends false
        ? A
        : [A, B] extends [B, A]
          ? A
          : never

type Aligned<A extends Shape, B extends Shape, Tail extends Shape> = A extends readonly [
  ...infer P extends Shape,
  infer X extends Dim,
]
  ? B extends readonly [...infer Q extends Shape, infer Y extends Dim]
    ? [JoinedDim<X, Y>] extends [never]
      ? Shape
      : Aligned<P, Q, readonly [JoinedDim<X, Y> & Dim, ...Tail]>
    : readonly [...A, ...Tail]
  : readonly [...B, ...Tail]

/** The shape two shapes broadcast to; `Shape` where the type checker does not know one of the ranks, or they do not fit. */
export type Broadcast<A extends Shape, B extends Shape> = true extends Open<A> | Open<B>
  ? Shape
  : Aligned<A, B, readonly []>

/** The broadcast shape of two terms. */
export type Joined<A extends Term, B extends Term> = Broadcast<ShapeOf<A>, ShapeOf<B>>

/** The shape with its last two axes exchanged. */
export type Transposed<S extends Shape> = S extends readonly [
  ...infer Rows extends Shape,
  infer M extends Dim,
  infer N extends Dim,
]
  ? readonly [...Rows, N, M]
  : Shape

/** `[2, 3]`: a shape as text in a compile-time message. */
type Shown<S extends Shape> = `[${Listed<S>}]`
type Listed<S extends Shape> = S extends readonly [infer D extends Dim, ...infer Rest extends Shape]
  ? Rest extends readonly []
    ? `${D}`
    : `${D}, ${Listed<Rest>}`
  : ''

/** True where both axes are literal and differ. */
type Differ<A, B> = Literal<A> | Literal<B> extends true ? ([A, B] extends [B, A] ? false : true) : false

/** `unknown` where a [..., m, k] and b [..., k, n] chain as far as the type checker knows, else the reason they do not. */
export type Chains<A extends Shape, B extends Shape> = A extends readonly [...Shape, Dim, infer K extends Dim]
  ? B extends readonly [...Shape, infer R extends Dim, Dim]
    ? Differ<K, R> extends true
      ? `matmul: a ${Shown<A>} and b ${Shown<B>} do not chain: a's ${K} columns meet b's ${R} rows`
      : unknown
    : unknown
  : unknown

/** The shape of a matrix product. */
export type Product<A extends Shape, B extends Shape> = true extends Open<A> | Open<B>
  ? Shape
  : A extends readonly [...infer P extends Shape, infer M extends Dim, Dim]
    ? B extends readonly [...infer Q extends Shape, Dim, infer N extends Dim]
      ? Broadcast<P, Q> extends infer Rows extends Shape
        ? true extends Open<Rows>
          ? Shape
          : readonly [...Rows, M, N]
        : Shape
      : Shape
    : Shape

/** `unknown` where x [..., in] meets W [out, in] as far as the type checker knows, else the reason it does not. */
export type Feeds<X extends Shape, W extends Shape> = X extends readonly [...Shape, infer I extends Dim]
  ? W extends readonly [Dim, infer J extends Dim]
    ? Differ<I, J> extends true
      ? `linear: x ${Shown<X>} and W ${Shown<W>} do not fit: x's last axis meets W's columns; W is [outputs, inputs]`
      : unknown
    : unknown
  : unknown

/** The shape of x Wᵀ. */
export type Fed<X extends Shape, W extends Shape> = true extends Open<X> | Open<W>
  ? Shape
  : X extends readonly [...infer Rows extends Shape, Dim]
    ? W extends readonly [infer H extends Dim, Dim]
      ? readonly [...Rows, H]
      : Shape
    : Shape

/** The shape of an outer product of vectors. */
export type Outer<A extends Shape, B extends Shape> = A extends readonly [infer M extends Dim]
  ? B extends readonly [infer N extends Dim]
    ? readonly [M, N]
    : Shape
  : Shape

/** One step's slice of a sequence. */
export type Sliced<S extends Shape> = S extends readonly [Dim, ...infer Rest extends Shape]
  ? readonly [...Rest]
  : Shape

/** `N` refs, or any number of them where `N` is not known. */
type Many<N extends number, T extends Ref[] = []> = T['length'] extends N
  ? T
  : T['length'] extends 64
    ? Ref[]
    : Many<N, [...T, Ref]>

/** The parts a value is split into: as many as a literal number or list of sizes says. */
export type Parts<P extends number | readonly number[]> = P extends number
  ? number extends P
    ? Ref[]
    : Many<P>
  : { -readonly [K in keyof P]: Ref }
