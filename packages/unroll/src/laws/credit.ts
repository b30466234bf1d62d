import { evaluate, type Graph, valueAndGradient } from '@bptt/graph'
import { leavesOf } from '../forward/step.js'
import { combined, inner, tensorsOf } from '../numbers.js'
import { type Pattern, patternsOf } from '../patterns.js'
import { patchCredit, reweight } from '../reweight.js'
import { artbp, full, random, type Schedule, weightsOf } from '../schedule.js'
import { apart, type CellLaw, differ, firstOf, lagSum, paramsOf, pathWeight, without } from './compare.js'
import type { Found, Subject } from './subject.js'

/** Enumeration and full BPTT agree to this, relative to the greatest number of a leaf. */
const UNBIASED = 1e-12

/** A chance of a cut that depends on t alone. */
const timed: Schedule = {
  text: 'timed',
  weight: () => 1,
  chance: ({ t }) => ({ cut: 0.9 * (t / (t + 2)), kept: 1 / (1 - 0.9 * (t / (t + 2))) }),
}

const schedules: readonly Schedule[] = [
  artbp({ mean: 3 }),
  artbp({ mean: 2, tail: 4 }),
  artbp({ mean: 3, tail: 6 }),
  timed,
]

/** The gradient by params under every pattern of a schedule. */
function underPatterns(subject: Subject, schedule: Schedule): readonly (readonly [Pattern, Found])[] {
  if (leavesOf(subject.cell.params, subject.cell.name).length === 0)
    return patternsOf(schedule, subject.steps).map(pattern => [pattern, new Map()] as const)
  const open = subject.line({ credit: { kind: 'input', each: false } })
  const slope = valueAndGradient(open.graph as Graph, { of: 'loss', by: ['params'] }) as Graph
  return patternsOf(schedule, subject.steps).map(pattern => {
    const made = tensorsOf(
      evaluate(slope, { ...(subject.values as object), credit: [1, ...pattern.weights] }),
    )
    return [
      pattern,
      new Map(
        [...made].flatMap(([name, value]) =>
          name.startsWith('gradient.params.') ? [[name.slice(16), value] as const] : [],
        ),
      ),
    ] as const
  })
}

const meanOf = (made: readonly (readonly [Pattern, Found])[]): Found =>
  combined(made.map(([{ probability }, found]) => [probability, found] as const))

const unbiased: CellLaw = {
  name: 'the mean of ARTBP over all patterns is full BPTT (32)',
  broken: subject => {
    const fullBptt = paramsOf(subject.slopes(subject.line()))
    return firstOf(
      schedules.map(schedule => {
        const made = underPatterns(subject, schedule)
        const total = made.reduce((sum, [{ probability }]) => sum + probability, 0)
        if (Math.abs(total - 1) > 1e-12) return `the probabilities of ${schedule.text} sum to ${total}`
        return apart(`the mean of ${schedule.text} and full`, meanOf(made), fullBptt, UNBIASED)
      }),
    )
  },
}

const pathwise: CellLaw = {
  name: 'every pattern of weights weighs each lag term by the weights its path crosses (33)',
  broken: subject =>
    firstOf(
      underPatterns(subject, artbp({ mean: 2, tail: 4 })).map(([{ weights }, found]) =>
        apart(
          `the weights ${weights.join(', ')}`,
          found,
          lagSum(subject, (t, s) => pathWeight(weights, t, s)),
          UNBIASED,
        ),
      ),
    ),
}

const discounted: CellLaw = {
  name: 'cuts that are not repaid discount lag k by (1 − c)^k in the mean (34)',
  broken: subject => {
    const c = 0.3
    const mean = meanOf(underPatterns(subject, random({ c })))
    const wanted = lagSum(subject, (t, s) => (1 - c) ** (t - s))
    return firstOf([apart('the mean of random cuts', mean, wanted, UNBIASED), control(subject, mean)])
  },
}

/** The negative control: where credit crosses edges at all, the discounted mean is not full BPTT. */
function control(subject: Subject, mean: Found): string | undefined {
  const fullBptt = paramsOf(subject.slopes(subject.line()))
  const local = lagSum(subject, (t, s) => (t === s ? 1 : 0))
  if (!differ(fullBptt, local, 1e-3) || differ(mean, fullBptt, 1e-6)) return undefined
  return 'cuts that are not repaid look unbiased, so the comparison sees nothing'
}

const variance: CellLaw = {
  name: 'the variance over all patterns is that of the mixed moments of the paths’ weights (35)',
  broken: subject => {
    const { steps } = subject
    if (steps > 4) return undefined
    const schedule = artbp({ mean: 3, tail: 4 })
    const made = underPatterns(subject, schedule)
    const mean = meanOf(made)
    const found =
      made.reduce((sum, [{ probability }, one]) => sum + probability * inner(one, one), 0) - inner(mean, mean)
    const wanted = momentVariance(subject, patternsOf(schedule, steps))
    const size = Math.max(1, Math.abs(found))
    return Math.abs(found - wanted) <= 1e-10 * size
      ? undefined
      : `the variance is ${found} and by moments ${wanted}`
  },
}

/** Σ ⟨G_p, G_q⟩ (E[w_p w_q] − E[w_p] E[w_q]) over pairs of paths. */
function momentVariance(subject: Subject, patterns: readonly Pattern[]): number {
  const paths: { readonly t: number; readonly s: number }[] = []
  for (let t = 1; t <= subject.steps; t++) for (let s = 1; s <= t; s++) paths.push({ t, s })
  let total = 0
  for (const p of paths)
    for (const q of paths) {
      const mixed = patterns.reduce(
        (sum, { probability, weights }) =>
          sum + probability * pathWeight(weights, p.t, p.s) * pathWeight(weights, q.t, q.s),
        0,
      )
      total += inner(subject.lag(p.t, p.s), subject.lag(q.t, q.s)) * (mixed - 1)
    }
  return total
}

const repeatable: CellLaw = {
  name: 'equal seeds give equal cuts and the same gradient, bit for bit (38)',
  broken: subject => {
    const again = (): Found =>
      subject.run(reweight(subject.line(), artbp({ mean: 2, tail: 4, seed: subject.seed })))
    return apart('two runs of a seed', again(), again(), 0)
  },
}

const segments: CellLaw = {
  name: 'a segment on its own, from the carry before it, adds what it adds to the whole (38, 39)',
  broken: subject => {
    const weights = weightsOf(artbp({ mean: 2, seed: subject.seed }), subject.steps)
    const ends = weights.flatMap((weight, i) => (weight === 0 ? [i + 1] : []))
    const segment = (t: number): number => ends.filter(end => end < t).length
    const whole = paramsOf(
      subject.slopes(reweight(subject.line(), { text: 'drawn', weight: ({ t }) => weights[t - 1]! })),
    )
    const apartSum = lagSum(subject, (t, s) => (segment(t) === segment(s) ? pathWeight(weights, t, s) : 0))
    return apart('whole and segments', whole, apartSum, UNBIASED)
  },
}

const values: CellLaw = {
  name: 'reweighting leaves every value as it is, bit for bit, and can be undone (39)',
  broken: subject => {
    const line = subject.line()
    const cut = reweight(line, artbp({ mean: 2, seed: subject.seed }))
    const back = patchCredit(cut, cut.inverse)
    return firstOf([
      apart(
        'reweighted values',
        without(subject.run(cut), 'gradient'),
        without(subject.run(line), 'gradient'),
        0,
      ),
      apart('undone', subject.run(back), subject.run(line), 0),
      apart('reweighted by full()', subject.run(reweight(line, full())), subject.run(line), 0),
    ])
  },
}

const powerLaw: CellLaw = {
  name: 'segments of artbp last as their power law says, L0 steps in the mean, and weights repay it (37)',
  broken: ({ seed }) => {
    const [mean, tail, most] = [1.5 + (seed % 7), 3 + (seed % 4), 8]
    const patterns = patternsOf(artbp({ mean, tail }), most + 1)
    const [A, b] = [(tail - 2) * mean, tail - 1]
    // S_k = P(length > k) telescopes to Π (A − i)/(A + k − i), i < α − 1, for whole α
    const quotient = (k: number): number =>
      Array.from({ length: b }, (_, i) => (A - i) / (A + k - i)).reduce((product, x) => product * x, 1)
    const alive = (k: number): number =>
      sumOf(patterns.filter(({ weights }) => weights.slice(0, k).every(Boolean)))
    const uncut = patterns.find(({ weights }) => weights.every(Boolean))!
    const lengths = Array.from({ length: most }, (_, k) => alive(k))
    // Σ_(k ≥ n) S_k = S_n (A + n)/(α − 2)
    const length = lengths.reduce((sum, x) => sum + x, 0) + (alive(most) * (A + most)) / (b - 1)
    return firstOf([
      ...lengths.map((chance, k) =>
        near(`P(length > ${k}) under tail ${tail}, mean ${mean}`, chance, quotient(k)),
      ),
      ...lengths.map((_, k) =>
        near(`the weight of ${k} edges`, pathWeight(uncut.weights, k + 1, 1), 1 / quotient(k)),
      ),
      near(`the mean length under tail ${tail}`, length, mean),
    ])
  },
}

const sumOf = (patterns: readonly Pattern[]): number =>
  patterns.reduce((sum, { probability }) => sum + probability, 0)

const near = (what: string, found: number, wanted: number): string | undefined =>
  Math.abs(found - wanted) <= 1e-12 * Math.max(1, wanted) ? undefined : `${what} is ${found}, not ${wanted}`

/** Laws of credit: unbiasedness by enumeration, the negative control, variance, determinism. */
export const creditLaws: readonly CellLaw[] = [
  unbiased,
  pathwise,
  discounted,
  variance,
  repeatable,
  powerLaw,
  segments,
  values,
]
