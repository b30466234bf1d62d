import { bptt, type Estimator, rtrl, snap, uoro } from '@bptt/stream'
import type { Schedule, WindowSizes } from '@bptt/unroll'
import type { EstimatorOptions } from '../commands/estimator.js'
import { type Credit, creditOf } from '../estimator.js'
import { Failure } from '../failure.js'
import { count } from '../format.js'
import { orNone, real, whole } from '../options.js'

/** By what an estimator makes a gradient: cuts of credit, a window for every loss, or forward in time. */
export type Means =
  | { readonly kind: 'cuts'; readonly schedule: Schedule }
  | { readonly kind: 'windows'; readonly sizes: Required<WindowSizes> }
  | { readonly kind: 'forward'; readonly name: 'rtrl' }
  | { readonly kind: 'forward'; readonly name: 'uoro' }
  | { readonly kind: 'forward'; readonly name: 'snap'; readonly order: number }

/** An estimator that is compared with others. */
export interface Contender {
  /** As it was given: `artbp:50,4`. */
  readonly label: string
  readonly means: Means
  /** For the trainer. */
  readonly estimator: Schedule | Estimator
  /** Events after which the carry is reset; undefined where the stream is one long episode. */
  readonly episode: number | undefined
  /** The estimator in half a sentence. */
  readonly meaning: string
}

const flag = '--estimators'
const forms =
  "'full:N', 'tbptt:K', 'artbp:MEAN', 'artbp:MEAN,TAIL', 'bptt:H', 'bptt:H,EVERY', 'rtrl', 'snap:ORDER' or 'uoro'"

/** Parts of a label: `bptt:32,8` is `bptt`, `32`, `8`. */
interface Label {
  readonly where: string
  readonly seed: number
  readonly first: string | undefined
  readonly second: string | undefined
}

type Maker = (label: Label) => Omit<Contender, 'label'> | undefined

/** What each name makes; undefined where it has too many or too few numbers. */
const makers: Readonly<Record<string, Maker>> = {
  full: ({ where, seed, first, second }) =>
    first === undefined || second !== undefined
      ? undefined
      : byCuts({ estimator: 'full', seed, episode: whole(where, 2, 1e6)(first) }),
  tbptt: ({ where, seed, first, second }) =>
    first === undefined || second !== undefined
      ? undefined
      : byCuts({ estimator: 'tbptt', seed, every: whole(where, 1, 1e6)(first) }),
  artbp: ({ where, seed, first, second = 'none' }) =>
    first === undefined
      ? undefined
      : byCuts({
          estimator: 'artbp',
          seed,
          mean: real(where, { above: 1, max: 1e6 })(first),
          tail: orNone(real(where, { above: 2, max: 1000 }))(second),
        }),
  bptt: ({ where, first, second = '1' }) =>
    first === undefined ? undefined : byWindows(whole(where, 1, 1e5)(first), whole(where, 1, 1e5)(second)),
  rtrl: ({ first }) =>
    first === undefined
      ? forward({ kind: 'forward', name: 'rtrl' }, rtrl(), 'exact, forward in time; for small nets')
      : undefined,
  snap: ({ where, first = '1', second }) => {
    if (second !== undefined) return undefined
    const order = whole(where, 1, 100)(first)
    const meaning = `forward in time, the influence that arises within ${order === 1 ? 'a step' : `${order} steps`}; biased`
    return forward({ kind: 'forward', name: 'snap', order }, snap({ order }), meaning)
  },
  uoro: ({ seed, first }) =>
    first === undefined
      ? forward(
          { kind: 'forward', name: 'uoro' },
          uoro({ seed }),
          'forward in time, by random products; unbiased',
        )
      : undefined,
}

/**
 * The estimator of a label; random cuts and signs are drawn from `seed`.
 * @throws Failure that says how labels are written.
 */
export function contender(label: string, seed: number): Contender {
  const [, name = '', first, second] = /^([a-z]+)(?::([^,]+)(?:,(.+))?)?$/.exec(label) ?? []
  const make = Object.hasOwn(makers, name) ? makers[name] : undefined
  const made = make?.({ where: `${flag} ${label}`, seed, first, second })
  if (made !== undefined) return { label, ...made }
  throw new Failure(`${flag} takes estimators written ${forms}, but one is '${label}'`)
}

/**
 * The estimators of some labels.
 * @throws Failure where one is not understood, or is there twice.
 */
export function contenders(labels: readonly string[], seed: number): readonly Contender[] {
  const twice = labels.find((label, i) => labels.indexOf(label) !== i)
  if (twice !== undefined) throw new Failure(`${flag} has '${twice}' twice; each is compared once`)
  return labels.map(label => contender(label, seed))
}

function byCuts(options: EstimatorOptions): Omit<Contender, 'label'> {
  const { schedule, episode, meaning }: Credit = creditOf(options)
  return { means: { kind: 'cuts', schedule }, estimator: schedule, episode, meaning }
}

function byWindows(h: number, every: number): Omit<Contender, 'label'> {
  if (every > h)
    throw new Failure(
      `${flag} bptt:${h},${every} updates every ${count(every)} events, but losses go back ${h}; EVERY is at most H`,
    )
  const often = every === 1 ? 'every event' : `every ${count(every)} events`
  const meaning = `losses go back ${count(h)} steps, an update ${often}; biased`
  const sizes = { h, every }
  return { means: { kind: 'windows', sizes }, estimator: bptt(sizes), episode: undefined, meaning }
}

const forward = (means: Means, estimator: Estimator, meaning: string): Omit<Contender, 'label'> => ({
  means,
  estimator,
  episode: undefined,
  meaning,
})
