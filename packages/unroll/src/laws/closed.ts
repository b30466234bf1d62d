import { isTensor, mapTree, sizeOf, type Tensor, type Tree } from '@bptt/graph'
import { singularValues } from '../diagnose/dense.js'
import { type Batch, lagNorms } from '../diagnose/lags.js'
import { reweight } from '../reweight.js'
import { every } from '../schedule.js'
import { windows } from '../windows.js'
import {
  besideStates,
  firstGradient,
  injections,
  type Link,
  plus,
  runLinks,
  smallState,
  squareOf,
  throughStates,
  times,
  total,
  transposed,
  type Vector,
} from './chain.js'
import { apart, type CellLaw, firstOf, paramsOf } from './compare.js'
import { lawLoss, type Subject } from './subject.js'

/** d_t = Σ_{i ≥ t} (J_i … J_{t+1})ᵀ q_i, term by term. */
function creditByTerms(links: readonly Link[]): readonly Vector[] {
  const direct = injections(links)
  return direct.map((_, t) =>
    direct
      .slice(t)
      .map((q, i) =>
        links.slice(t + 1, t + 1 + i).reduceRight<Vector>((d, { J }) => times(transposed(J), d), q),
      )
      .reduce(plus),
  )
}

const closedForm: CellLaw = {
  name: 'the gradient is Σ ∂L_t/∂θ + Σ d_t ∂h_t/∂θ with d_t = Σ (J_i … J_(t+1))ᵀ q_i; by the first carry it is J_1ᵀ d_1 (28–31)',
  skip: smallState,
  broken: subject => {
    const links = runLinks(subject)
    const credit = creditByTerms(links)
    const [first] = links
    const made = total(throughStates(links, credit), besideStates(links))
    const start = plus(times(transposed(first!.J), credit[0]!), first!.direct.carry)
    const found = firstGradient(subject)
    return firstOf([
      apart('the closed form and BPTT', made, found.params, 1e-8),
      apart('the closed form by the first carry and BPTT', vector(start), vector(found.carry), 1e-8),
    ])
  },
}

const vector = (values: Vector): ReadonlyMap<string, Tensor> =>
  new Map([['carry', { shape: [values.length], data: Float64Array.from(values) }]])

const lasting: CellLaw = {
  name: 'a window as long as credit lasts loses nothing: a timeline cut every K edges is its BPTT(K; 1) (26)',
  broken: subject => {
    const K = 1 + (subject.seed % subject.steps)
    const cut = reweight(subject.line(), every(K))
    return apart(
      `every(${K}) and its BPTT(${K}; 1)`,
      paramsOf(subject.slopes(windows(cut, { h: K }))),
      paramsOf(subject.slopes(cut)),
      1e-12,
    )
  },
}

const transport: CellLaw = {
  name: 'a step back, credit keeps its norm but for what the singular values of the Jacobian allow (27)',
  skip: smallState,
  broken: subject => {
    const { cell, steps } = subject
    const norms = lagNorms(cell, firstOnly(subject), lawLoss(2)).norms.at(-1)!
    const links = runLinks(subject)
    return firstOf(
      Array.from({ length: steps - 1 }, (_, i) => {
        const [k, values] = [i + 1, singularValues(squareOf(links[steps - i - 2]!.J))]
        const [least, most] = [values.at(-1)! * norms[k]!, values[0]! * norms[k]!]
        const [norm, slack] = [norms[k + 1]!, 1e-9 * (norms[k]! + most) + 1e-12]
        if (norm >= least - slack && norm <= most + slack) return undefined
        return `|∂L/∂h| of lag ${k + 1} is ${norm}, not from ${least} to ${most}`
      }),
    )
  },
}

/** The first example as a batch of one. */
function firstOnly({ values, batch }: Subject): Batch {
  const { params, carry, xs, targets } = values as unknown as Batch
  const pick =
    (axis: number) =>
    ({ shape, data }: Tensor): Tensor => {
      const inner = sizeOf(shape.slice(axis + 1))
      const kept = data.filter((_, i) => Math.floor(i / inner) % batch === 0)
      return { shape: shape.map((length, i) => (i === axis ? 1 : length)), data: kept }
    }
  const first = mapTree(carry, isTensor, pick(0)) as Tree<Tensor>
  return { params, carry: first, xs: pick(1)(xs), targets: pick(1)(targets) }
}

/** Laws of credit in closed form. */
export const closedLaws: readonly CellLaw[] = [closedForm, lasting, transport]
