import { evaluate, sizeOf, type Tensor, type Values } from '@bptt/graph'
import { coin } from '../coin.js'
import { flatState, stepGraph } from '../forward/step.js'
import { rowsOf, tensorsOf, treeOf, under } from '../numbers.js'
import { reweight } from '../reweight.js'
import { artbp } from '../schedule.js'
import { hasParams, single } from './chain.js'
import { apart, type CellLaw, differ } from './compare.js'
import type { Found, Subject } from './subject.js'

/** An exchange of n units: place i gets unit order[i], and where its number turns over, signs[i] times it. */
interface Exchange {
  readonly order: readonly number[]
  readonly signs: readonly number[]
}

/** What an exchange does to an axis: nothing, or to each of its blocks of n places, which turn over (1) or do not (0). */
type OnAxis = readonly number[] | undefined
type OnAxes = readonly OnAxis[]

/** An exchange of units of a carry that only renames what a step computes. */
interface Symmetry {
  readonly exchange: Exchange
  /** Parts of the carry that hold the units, on their last axis. */
  readonly parts: readonly string[]
  readonly params: ReadonlyMap<string, OnAxes>
  readonly output: OnAxes
}

/** Combinations of ambiguous parameters that are tried at most. */
const MOST = 64

/** Units in another order. */
function reordered(n: number, seed: number): Exchange | undefined {
  if (n < 2) return undefined
  const swap = [1, 0, ...Array.from({ length: n - 2 }, (_, i) => i + 2)]
  const turn = Array.from({ length: n }, (_, i) => (i + 1) % n)
  return { order: seed % 2 === 0 ? swap : turn, signs: new Array<number>(n).fill(1) }
}

/** Units with the opposite sign, one at least. */
function turnedOver(n: number, seed: number): Exchange {
  const signs = Array.from({ length: n }, (_, i) => (i === seed % n || coin(seed, 88, i) < 0.5 ? -1 : 1))
  return { order: signs.map((_, i) => i), signs }
}

function lawOf(name: string, exchangeOf: (n: number, seed: number) => Exchange | undefined): CellLaw {
  const known = new WeakMap<Subject, Symmetry | undefined>()
  const find = (subject: Subject): Symmetry | undefined => {
    if (!known.has(subject)) known.set(subject, symmetryOf(subject, exchangeOf))
    return known.get(subject)
  }
  return {
    name,
    skip: subject =>
      hasParams(subject) ?? (find(subject) === undefined ? 'its step has no such symmetry' : undefined),
    broken: subject => {
      const symmetry = find(subject)
      return symmetry && unequal(subject, symmetry)
    },
  }
}

/** What is wrong with the loss and the gradients of the exchanged sequence. */
function unequal(subject: Subject, { exchange, parts, params, output }: Symmetry): string | undefined {
  const onSequence = [undefined, undefined, ...output]
  const renamed = (found: Found): Found => {
    const moved = [...found].map(([name, value]) => {
      const way = params.get(name.replace(/^(gradient\.)?params\.?/, ''))
      if (way !== undefined && /^(gradient\.)?params/.test(name))
        return [name, exchanged(value, way, exchange)] as const
      return [
        name,
        name === 'ys' || name === 'targets' ? exchanged(value, onSequence, exchange) : value,
      ] as const
    })
    return exchangedParts(new Map(moved), partsUnder(parts), exchange)
  }
  const line = reweight(subject.line(), artbp({ mean: 3, seed: subject.seed }))
  const there = subject.run(line, treeOf(renamed(tensorsOf(subject.values))) as Values)
  return apart('exchanged units and the same units', there, renamed(subject.run(line)), 1e-8)
}

/** Parts of the carry by their names among a timeline's values and gradients. */
const partsUnder = (parts: readonly string[]): readonly string[] =>
  parts.flatMap(part => ['carry', 'gradient.carry'].map(name => (part === '' ? name : `${name}.${part}`)))

/** A tensor after an exchange. */
function exchanged(tensor: Tensor, on: OnAxes, { order, signs }: Exchange): Tensor {
  const n = order.length
  return on.reduce<Tensor>(({ shape, data }, flips, axis) => {
    if (flips === undefined) return { shape, data }
    const inner = sizeOf(shape.slice(axis + 1))
    const moved = data.map((_, k) => {
      const place = Math.floor(k / inner) % shape[axis]!
      const [block, i] = [Math.floor(place / n), place % n]
      return data[k + (order[i]! - i) * inner]! * (flips[block] === 1 ? signs[i]! : 1)
    })
    return { shape, data: moved }
  }, tensor)
}

/** Everything an exchange of n units may do to a tensor of this shape. */
function waysOf(shape: readonly number[], { order, signs }: Exchange): readonly OnAxes[] {
  const turns = signs.some(sign => sign < 0)
  const onAxis = (length: number): readonly OnAxis[] => {
    const blocks = length / order.length
    if (!Number.isInteger(blocks) || blocks > 6) return [undefined]
    if (!turns) return [undefined, new Array<number>(blocks).fill(0)]
    return Array.from({ length: 2 ** blocks }, (_, bits) =>
      Array.from({ length: blocks }, (_, block) => (bits >> block) & 1),
    )
  }
  return shape.reduce<readonly OnAxes[]>(
    (ways, length) => ways.flatMap(way => onAxis(length).map(on => [...way, on])),
    [[]],
  )
}

/**
 * The symmetry that an exchange of some units of the carry is, if the step has it. Found by trying what it may do to each
 * parameter, with all others zero, then to all together at several points: a unit that is silent at one speaks at another.
 */
function symmetryOf(
  subject: Subject,
  exchangeOf: (n: number, seed: number) => Exchange | undefined,
): Symmetry | undefined {
  const groups = groupsOf(subject)
  const [n, parts] = groups[subject.seed % groups.length] ?? [0, []]
  const exchange = n === 0 ? undefined : exchangeOf(n, subject.seed)
  if (exchange === undefined) return undefined
  const points = pointsOf(subject)
  const { params } = points[0]!
  const whole = points.map(point => trialOf(subject, parts, exchange, point))
  const alone = [...params].map(([name, { shape }]) => {
    const trial = trialOf(subject, parts, exchange, silenced(points[1]!, name))
    return [name, waysOf(shape, exchange).map(way => ({ way, ys: trial(new Map([[name, way]])) }))] as const
  })
  const fits = (ys: Outputs | undefined, output: OnAxes): boolean =>
    ys !== undefined && !differ(asFound(exchanged(ys.here, output, exchange)), asFound(ys.there), 1e-10)
  for (const output of waysOf(subject.cell.output as number[], exchange)) {
    const ways = combinationsOf(
      alone.map(([name, tried]) => [name, tried.filter(({ ys }) => fits(ys, output)).map(({ way }) => way)]),
    )
    const found = ways.find(way => whole.every(trial => fits(trial(way), output)))
    if (found !== undefined) return { exchange, parts, params: found, output }
  }
  return undefined
}

/** Where a step is tried. */
interface Point {
  readonly params: Found
  readonly carry: Found
  readonly x: Tensor
}

/** The first step of the sequence, and random ones; what may be symbols is read off the sequence. */
function pointsOf(subject: Subject): readonly Point[] {
  const given = tensorsOf(single(subject))
  const [params, carry] = [under(given, 'params'), under(given, 'carry')]
  const row = (t: number): Tensor => {
    const { shape, data } = rowsOf(given.get('xs')!, t, t + 1)
    return { shape: shape.slice(1), data }
  }
  const drawn = (of: Found, stream: number): Found =>
    new Map([...of].map(([name, { shape }], i) => [name, subject.random(shape, stream + i)]))
  const others = [1, 2, 3].map(k => {
    const x = row(k % subject.steps)
    const read = x.shape.length === 0 ? x : subject.random(x.shape, 5000 + k)
    return { params: drawn(params, 2000 + 100 * k), carry: drawn(carry, 3000 + 100 * k), x: read }
  })
  return [{ params, carry, x: row(0) }, ...others]
}

/** A point where all parameters but one are zero. */
const silenced = ({ params, ...rest }: Point, name: string): Point => ({
  ...rest,
  params: new Map([...params].map(([other, value]) => [other, other === name ? value : zeros(value)])),
})

/** Parts of the carry that may hold the same units: of one place in the tree, and as wide. */
function groupsOf({ cell }: Subject): readonly (readonly [number, readonly string[]])[] {
  const groups = new Map<string, [number, string[]]>()
  for (const { name, shape } of flatState(cell).parts) {
    const width = shape.at(-1)
    if (width === undefined) continue
    const key = `${name.split('.').slice(0, -1).join('.')} ${width}`
    groups.set(key, [width, [...(groups.get(key)?.[1] ?? []), name]])
  }
  return [...groups.values()]
}

/** One way for every parameter, in all combinations; none where there are more than can be tried. */
function combinationsOf(
  choices: readonly (readonly [string, readonly OnAxes[]])[],
): readonly ReadonlyMap<string, OnAxes>[] {
  if (choices.reduce((product, [, ways]) => product * ways.length, 1) > MOST) return []
  return choices.reduce<readonly ReadonlyMap<string, OnAxes>[]>(
    (made, [name, ways]) => made.flatMap(one => ways.map(way => new Map([...one, [name, way]]))),
    [new Map()],
  )
}

interface Outputs {
  readonly here: Tensor
  readonly there: Tensor
}

/** The outputs of a step at a point and of the step with exchanged numbers, where it exchanges the carry. */
function trialOf(
  subject: Subject,
  parts: readonly string[],
  exchange: Exchange,
  { params, carry, x }: Point,
): (ways: ReadonlyMap<string, OnAxes>) => Outputs | undefined {
  const graph = stepGraph(subject.cell)
  const step = (of: Found, state: Found): Found =>
    tensorsOf(evaluate(graph, { params: treeOf(of), carry: treeOf(state), x } as unknown as Values))
  const here = step(params, carry)
  const [before, after] = [carry, under(here, 'carry')].map(found => exchangedParts(found, parts, exchange))
  return ways => {
    const moved = new Map(
      [...params].map(([name, value]) => [name, exchanged(value, ways.get(name) ?? [], exchange)]),
    )
    const there = step(moved, before!)
    if (differ(under(there, 'carry'), after!, 1e-10)) return undefined
    return { here: here.get('y')!, there: there.get('y')! }
  }
}

/** A carry whose units are exchanged. */
const exchangedParts = (carry: Found, parts: readonly string[], exchange: Exchange): Found =>
  new Map(
    [...carry].map(([name, value]) => {
      const last = value.shape.map((_, i) => (i === value.shape.length - 1 ? [1] : undefined))
      return [name, parts.includes(name) ? exchanged(value, last, exchange) : value]
    }),
  )

const asFound = (value: Tensor): Found => new Map([['y', value]])
const zeros = ({ shape, data }: Tensor): Tensor => ({ shape, data: data.map(() => 0) })

/** Laws of units that can be exchanged. */
export const symmetryLaws: readonly CellLaw[] = [
  lawOf('units in another order have their gradients in that order, and the same loss (25)', reordered),
  lawOf('units of the opposite sign have gradients of the opposite sign, and the same loss (25)', turnedOver),
]
