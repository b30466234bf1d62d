import { Builder } from '../../builder.js'
import { add, mul } from '../../elementwise.js'
import { expand, sumTo } from '../../linear.js'
import { sub } from '../../ops/arithmetic.js'
import { gate, stopGradient } from '../../ops/credit.js'
import { softmaxCrossEntropy } from '../../ops/loss.js'
import { permute, reshape } from '../../ops/shape.js'
import type { Ref } from '../../ref.js'
import { type Tensor, tensor } from '../../tensor.js'
import { mappingOf } from '../mapping.js'
import { adapt } from '../program/pool.js'
import { drawTensor } from '../random.js'
import { times, type Vector, zerosLike } from '../vectors.js'
import { applied, around, type GraphLaw, lossSlopes, type Subject, unequal } from './subject.js'

/** Gates keep the value and weigh the credit; gates in a row multiply. */
function gates({ graph, inputs, mapping, slopes }: Subject): string | undefined {
  const behindGate = mappingOf(
    around(graph, refs =>
      applied(
        graph,
        refs.map(ref => gate(ref, { by: 0.5 })),
      ),
    ),
  )
  const values = unequal('the values behind a gate', behindGate.call(inputs), mapping.call(inputs), 0)
  for (const { what, change, share, tolerance } of gateways) {
    const credit = lossSlopes(
      around(graph, refs => applied(graph, refs.map(change))),
      inputs,
    )
    const found = unequal(
      `credit through ${what}, and ${share} of it`,
      credit,
      times(share, slopes()),
      tolerance,
    )
    if (found !== undefined) return found
  }
  return values
}

/** Ways to put gates before a value, and the share of the credit that comes through. */
const gateways: readonly {
  readonly what: string
  readonly change: (ref: Ref) => Ref
  readonly share: number
  readonly tolerance: number
}[] = [
  { what: 'gates of 0.5 and 4', change: x => gate(gate(x, { by: 0.5 }), { by: 4 }), share: 2, tolerance: 0 },
  { what: 'a gate of 1', change: x => gate(x, { by: 1 }), share: 1, tolerance: 0 },
  { what: 'a gate of 0', change: x => gate(x, { by: 0 }), share: 0, tolerance: 0 },
  { what: 'stopGradient twice', change: x => stopGradient(stopGradient(x)), share: 0, tolerance: 0 },
  { what: 'sg(x) + (x − sg(x))', change: x => reassembled(x), share: 1, tolerance: 1e-9 },
]

const reassembled = (x: Ref): Ref => add(stopGradient(x), sub(x, stopGradient(x))) as Ref

/** The derivative of a broadcast is a sum; that of a reshape or a permutation is its inverse. */
function shapes(subject: Subject): string | undefined {
  return reshaped(subject) ?? permuted(subject) ?? broadcasted(subject)
}

/** Inputs of other shapes, turned into those of the graph. */
function behind(subject: Subject, changed: Vector, change: (ref: Ref, i: number) => Ref): Vector {
  const { graph } = subject
  const builder = new Builder()
  const refs = changed.map((value, i) => builder.input(graph.inputs[i]!.name, value.shape))
  const loss = applied(graph, refs.map(change))[0]!
  return lossSlopes(builder.build([{ name: 'loss', value: loss.id }]), changed)
}

const isBound = ({ graph }: Subject): boolean =>
  graph.inputs.every(port => graph.shapes[port.value]!.every(dim => typeof dim === 'number'))

function reshaped(subject: Subject): string | undefined {
  if (!isBound(subject)) return undefined
  const flat = (value: Tensor): Tensor => tensor(value, [value.data.length])
  const found = behind(subject, subject.inputs.map(flat), (ref, i) =>
    reshape(ref, { shape: subject.inputs[i]!.shape }),
  )
  return unequal('the gradient behind a reshape', found, subject.slopes().map(flat), 1e-12)
}

function permuted(subject: Subject): string | undefined {
  if (!isBound(subject)) return undefined
  const turned = (values: Vector): Vector =>
    values.map(value => {
      const axes = value.shape.map((_, i) => value.shape.length - 1 - i)
      const shape = value.shape.toReversed()
      return permute.spec.forward([value], { attrs: { axes }, shapes: [shape], bindings: new Map() })[0]!
    })
  const found = behind(subject, turned(subject.inputs), ref =>
    permute(ref, { axes: ref.shape.map((_, i) => ref.shape.length - 1 - i) }),
  )
  return unequal('the gradient behind a permutation', found, turned(subject.slopes()), 1e-12)
}

function broadcasted(subject: Subject): string | undefined {
  if (!isBound(subject)) return undefined
  const { graph, inputs, next } = subject
  const seeds = inputs.map(input =>
    drawTensor(
      next,
      input.shape.map((dim, i) => (i === 0 ? 1 : dim)),
    ),
  )
  const grown = seeds.map(
    (seed, i) =>
      expand.spec.forward([seed], { attrs: {}, shapes: [inputs[i]!.shape], bindings: new Map() })[0]!,
  )
  const found = behind(subject, seeds, (ref, i) => expand(ref, { shape: inputs[i]!.shape }) as Ref)
  const summed = lossSlopes(graph, grown).map(
    (slope, i) =>
      sumTo.spec.forward([slope], { attrs: {}, shapes: [seeds[i]!.shape], bindings: new Map() })[0]!,
  )
  return unequal('the gradient behind a broadcast, and the sum', found, summed)
}

/** A shift of all logits changes nothing, so the cross-entropy's gradient sums to 0 over the classes. */
function shiftInvariance(subject: Subject): string | undefined {
  const { graph, inputs, next } = subject
  const [weights, ids] = [drawTensor(next, [2, 4]), tensor([1, 3])]
  const build = (refs: readonly Ref[], [shift]: readonly Ref[]): readonly Ref[] => {
    const spread = adapt({ ref: applied(graph, refs).at(-1)!, bound: 1 }, [2, 4]).ref
    const logits = add(mul(spread, 0.1), weights)
    const loss = softmaxCrossEntropy(add(logits, shift!) as Ref, ids as never)
    return [sumTo(loss, { shape: [] }) as Ref]
  }
  const whole = around(graph, build, [[2, 1]])
  const still = lossSlopes(whole, [...inputs, tensor([[0], [0]])])
  const moved = lossSlopes(whole, [...inputs, tensor([[3], [-5]])])
  return (
    unequal('the derivative by a shift of the logits, and 0', still.slice(-1), zerosLike(still.slice(-1))) ??
    unequal('the gradients before and after a shift', moved, still, 1e-8)
  )
}

/** Laws 9, 10 and 12 of the catalogue. */
export const invariantLaws: readonly GraphLaw[] = [
  { name: '9 gates keep values and weigh credit', analytic: false, broken: gates },
  { name: '10 broadcasts sum, permutations invert', analytic: false, broken: shapes },
  { name: '12 cross-entropy does not see a shift', analytic: false, broken: shiftInvariance },
]
