import type { Attrs } from '../attrs.js'
import { Builder } from '../builder.js'
import { GraphError } from '../error.js'
import type { Graph, OpSpec } from '../graph.js'
import { prune } from '../prune.js'
import { type Home, isRef, type Ref, type Term } from '../ref.js'
import type { ScanAttrs } from '../scan/attrs.js'
import { linearizeScan } from '../scan/linearize.js'
import { pushScan } from '../scan/push.js'
import { outputShapes, replayScan, runScan, scanFlops } from '../scan/run.js'
import { trimScan } from '../scan/trim.js'
import { type Dim, type Shape, sameShape, showShape } from '../shape.js'
import { isTensor } from '../tensor.js'
import { grow, type Leaf, leaves, type Tree } from '../tree.js'
import type { ShapeOf, Sliced } from '../typed.js'

/** Sequences and start values of a scan. */
export interface ScanOptions<C, X> {
  readonly carry: C
  /** Values whose first axis is the one scanned. */
  readonly xs?: X
  /** Number of steps; needed where there are no xs. */
  readonly length?: Dim
  /** Run from the last step to the first; stacked outputs keep the order of the xs. */
  readonly reverse?: boolean
}

/** A tree with a ref in the place of every term, of the same shape. */
export type Carried<T> = T extends Term ? Ref<ShapeOf<T>> : { readonly [K in keyof T]: Carried<T[K]> }

/** A tree of sequences with one step's slice in the place of each. */
export type Steps<T> = T extends Ref<infer S> ? Ref<Sliced<S>> : { readonly [K in keyof T]: Steps<T[K]> }

/** A tree of one step's values with the sequence of all steps' in the place of each. */
export type Stacked<T> =
  T extends Ref<infer S> ? Ref<readonly [Dim, ...S]> : { readonly [K in keyof T]: Stacked<T[K]> }

/**
 * Repeats `body` along the first axis of `xs`, handing the carry from step to step.
 *
 * `body(carry, x) → [carry, y]`; the result is `[final carry, ys]`, every y stacked along the axis. Values of the
 * graph around the body can be used inside; they are the same at every step. The derivative is again a scan, run
 * backwards, over the values the forward one saved.
 *
 * @throws GraphError `scan-length`, `scan-carry`.
 */
export function scan<C extends Tree<Term>, X extends Tree<Ref>, Y extends Tree<Ref>>(
  body: (carry: Carried<C>, x: Steps<X>) => readonly [Tree<Ref>, Y],
  options: ScanOptions<C, X>,
): readonly [Carried<C>, Stacked<Y>] {
  const start = leaves<Term>(options.carry, isTerm, 'scan')
  const xs = options.xs === undefined ? [] : leaves<Ref>(options.xs, isRef, 'scan')
  const parts = { body: body as unknown as Body, start, xs, options }
  const home = homeOf([...start, ...xs])
  const around = tracing.at(-1)
  try {
    return append(home, parts) as never
  } catch (error) {
    // the body may use values of a loop around it that neither the carry nor xs belong to
    const foreign = error instanceof GraphError && error.code === 'foreign-node'
    if (!foreign || around === undefined || around.depth <= home.depth) throw error
    return append(around, parts) as never
  }
}

/** The bodies that are being traced now, innermost last. */
const tracing: Home[] = []

interface Parts {
  readonly body: Body
  readonly start: readonly Leaf<Term>[]
  readonly xs: readonly Leaf<Ref>[]
  readonly options: ScanOptions<unknown, unknown>
}

/** Traces the body and appends the loop to a graph. */
function append(home: Home, { body, start, xs, options }: Parts): readonly [Tree<Ref>, Tree<Ref>] {
  const carry = start.map(([name, term]) => [name, home.adopt(term, 'scan')] as const)
  const given = xs.map(([name, ref]) => [name, home.adopt(ref, 'scan')] as const)
  const length = lengthOf(given, options.length)
  const traced = traceBody(home, body, carry, given)
  const attrs: ScanAttrs = {
    body: traced.body,
    carry: carry.length,
    xs: given.length,
    length,
    reverse: options.reverse ?? false,
  }
  const inputs = [...carry, ...given].map(([, ref]) => ref)
  const outputs = home.apply(scanSpec, [...inputs, ...traced.captured], attrs)
  const named = traced.body.outputs.map((port, i) => [inner(port.name), outputs[i]!] as const)
  return [grow(named.slice(0, carry.length)), grow(named.slice(carry.length))]
}

type Body = (carry: Tree<Ref>, x: Tree<Ref>) => readonly [Tree<Ref>, Tree<Ref>]

const isTerm = (value: unknown): value is Term => isRef(value) || typeof value === 'number' || isTensor(value)
const inner = (name: string): string => name.slice(name.indexOf('.') + 1)

function homeOf(terms: readonly Leaf<Term>[]): Home {
  const refs = terms.flatMap(([, term]) => (isRef(term) ? [term] : []))
  const deepest = refs.reduce<Ref | undefined>(
    (best, ref) => (best && best.builder.depth >= ref.builder.depth ? best : ref),
    undefined,
  )
  if (deepest !== undefined) return deepest.builder
  throw new GraphError(
    'no-graph',
    'scan',
    'neither the carry nor xs is a value of a graph',
    'start from a graph input',
  )
}

function lengthOf(xs: readonly Leaf<Ref>[], length: Dim | undefined): Dim {
  const found = length ?? xs[0]?.[1].shape[0]
  if (found === undefined)
    throw new GraphError(
      'scan-length',
      'scan',
      'has no xs with a first axis, so its length is not known',
      'give length',
    )
  for (const [name, ref] of xs)
    if (ref.shape[0] !== found)
      throw new GraphError(
        'scan-length',
        'scan',
        `xs '${name}' ${showShape(ref.shape)} is ${ref.shape.length === 0 ? 'a scalar' : `${ref.shape[0]} long`}, the scan ${found}; every sequence has the scan's length as its first axis`,
      )
  return found
}

function within<T>(builder: Builder, trace: () => T): T {
  tracing.push(builder)
  try {
    return trace()
  } finally {
    tracing.pop()
  }
}

function traceBody(
  home: Home,
  body: Body,
  carry: readonly Leaf<Ref>[],
  xs: readonly Leaf<Ref>[],
): { body: Graph; captured: readonly Ref[] } {
  const builder = new Builder(home)
  const enter = (prefix: string, found: readonly Leaf<Ref>[], shape: (ref: Ref) => Shape): Tree<Ref> =>
    grow(found.map(([name, ref]) => [name, builder.input(`${prefix}.${name}`, shape(ref))] as const))
  const carried = enter('carry', carry, ref => ref.shape)
  const sliced = enter('x', xs, ref => ref.shape.slice(1))
  const [next, y] = within(builder, () => body(carried, sliced))
  const after = new Map(leaves<Term>(next, isTerm, 'scan'))
  const outputs = carry.map(([name, ref]) => ({
    name: `carry.${name}`,
    value: nextCarry(builder, name, ref.shape, after).id,
  }))
  const stacked = leaves<Term>(y, isTerm, 'scan').map(([name, ref]) => ({
    name: `y.${name}`,
    value: builder.adopt(ref, 'scan').id,
  }))
  return { body: prune(builder.build([...outputs, ...stacked])), captured: builder.captured }
}

function nextCarry(builder: Builder, name: string, shape: Shape, after: ReadonlyMap<string, Term>): Ref {
  const term = after.get(name)
  const label = name === '' ? 'the carry' : `carry '${name}'`
  if (term === undefined)
    throw new GraphError(
      'scan-carry',
      'scan',
      `${label} is missing from what the body returns; a body returns [carry, y]`,
    )
  const ref = builder.adopt(term, 'scan')
  if (sameShape(ref.shape, shape)) return ref
  throw new GraphError(
    'scan-carry',
    'scan',
    `${label} enters the body as ${showShape(shape)} and leaves it as ${showShape(ref.shape)}; a carry keeps its shape`,
    'expand the initial carry to the full shape',
  )
}

const read = (attrs: Attrs): ScanAttrs => attrs as ScanAttrs

/** The loop: everything the engine knows about it. */
export const scanSpec: OpSpec = {
  name: 'scan',
  emission: { kind: 'loop' },
  inputs: ['values'],
  variadic: true,
  saves: [],
  analytic: true,
  differentiable: () => true,
  shapes: (inputs, attrs) => outputShapes(inputs, read(attrs)),
  forward: (inputs, run) => runScan(inputs, run, read(run.attrs)),
  linearize: (inputs, attrs, wants) => linearizeScan(scanSpec, inputs, read(attrs), wants),
  push: (inputs, attrs, tangents) => pushScan(scanSpec, inputs, read(attrs), tangents),
  fold: undefined,
  flops: (inputs, run) => scanFlops(inputs, run, read(run.attrs)),
  samples: { domain: [-1, 1], cases: [] },
  trim: (attrs, used) => trimScan(read(attrs), used),
  inner: attrs => ({ graph: read(attrs).body, times: read(attrs).length, carry: read(attrs).carry }),
  replay: (inputs, run, visit) => replayScan(inputs, run, read(run.attrs), visit),
}
