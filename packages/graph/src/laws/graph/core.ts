import { gradient } from '../../gradient.js'
import { tangent } from '../../tangent.js'
import { compareAlong } from '../compare.js'
import { caller, mappingOf } from '../mapping.js'
import { growGraph } from '../program/program.js'
import { along, inner, innerSize, sameBits, times } from '../vectors.js'
import {
  applied,
  around,
  drawLike,
  type GraphLaw,
  lossGradient,
  namesOf,
  type Subject,
  unequal,
} from './subject.js'

/** Jᵀ(2a − b) = 2 Jᵀa − Jᵀb; doubling doubles every bit-exactly. */
function pullbackLinear(subject: Subject): string | undefined {
  const { mapping, inputs } = subject
  const a = drawLike(subject, mapping.call(inputs))
  const b = drawLike(subject, a)
  const [pa, pb] = [mapping.pull(inputs, a), mapping.pull(inputs, b)]
  if (!sameBits(mapping.pull(inputs, times(2, a)), times(2, pa))) return 'pull(2a) is not exactly 2 pull(a)'
  const joint = mapping.pull(inputs, along(times(2, a), -1, b))
  return unequal('pull(2a − b) and 2 pull(a) − pull(b)', joint, along(times(2, pa), -1, pb))
}

/** ⟨J v, w⟩ = ⟨v, Jᵀ w⟩. */
function pairing(subject: Subject): string | undefined {
  const { mapping, inputs } = subject
  const v = drawLike(subject, inputs)
  const w = drawLike(subject, mapping.call(inputs))
  const [jv, jtw] = [mapping.push(inputs, v), mapping.pull(inputs, w)]
  const [left, right] = [inner(jv, w), inner(v, jtw)]
  const scale = 1 + innerSize(jv, w) + innerSize(v, jtw)
  return Math.abs(left - right) <= 1e-9 * scale ? undefined : `⟨Jv, w⟩ = ${left}, ⟨v, Jᵀw⟩ = ${right}`
}

/** The derivative of g ∘ f is that of g after that of f, and back the other way round. */
function chain(subject: Subject): string | undefined {
  const { graph, mapping, inputs, recipe, ops } = subject
  const shapes = graph.outputs.map(port => graph.shapes[port.value]!)
  const code = { ...recipe, code: recipe.code.toReversed() }
  const after = growGraph(
    shapes,
    code,
    ops,
    graph.outputs.map(port => port.name),
  )
  const whole = mappingOf(around(graph, refs => applied(after, applied(graph, refs))))
  const outer = mappingOf(after)
  const middle = mapping.call(inputs)
  const w = drawLike(subject, outer.call(middle))
  const v = drawLike(subject, inputs)
  return (
    unequal('g(f(x)) and g ∘ f', outer.call(middle), whole.call(inputs)) ??
    unequal(
      'pulling back in two parts and at once',
      mapping.pull(inputs, outer.pull(middle, w)),
      whole.pull(inputs, w),
    ) ??
    unequal(
      'pushing forward in two parts and at once',
      outer.push(middle, mapping.push(inputs, v)),
      whole.push(inputs, v),
    )
  )
}

/** Both modes agree with central differences. */
function differences(subject: Subject): string | undefined {
  const { mapping, inputs } = subject
  const wanted = inputs.map(() => true)
  const w = drawLike(subject, mapping.call(inputs))
  const v = drawLike(subject, inputs)
  const found = compareAlong({ mapping, inputs, wanted, modes: ['reverse', 'forward'] }, v, w, 1e-6)
  const wrong = found.find(({ verdict }) => verdict === 'wrong')
  return wrong && `${wrong.mode} mode gives ${wrong.analytic}, finite differences ${wrong.numeric}`
}

/** `gradient` and `tangent`, the doors to both modes, give what pulling 1 back and pushing forward give. */
function doors(subject: Subject): string | undefined {
  const { graph, mapping, inputs } = subject
  const v = drawLike(subject, inputs)
  const w = mapping.call(inputs).map((value, k) => ({
    shape: value.shape,
    data: value.data.map(() => (k === 0 ? 1 : 0)),
  }))
  const pushed = caller(tangent(graph, { by: namesOf(graph) }))([...inputs, ...v])
  const half = pushed.length / 2
  return (
    unequal('gradient and the pullback of 1', subject.slopes(), mapping.pull(inputs, w)) ??
    unequal('the outputs of tangent and of the graph', pushed.slice(0, half), mapping.call(inputs)) ??
    unequal('tangent and the pushforward', pushed.slice(half), mapping.push(inputs, v))
  )
}

/** The Hessian is symmetric, and reverse over forward is forward over reverse. */
function hessian(subject: Subject): string | undefined {
  const { graph, inputs } = subject
  const names = namesOf(graph)
  const [u, v] = [drawLike(subject, inputs), drawLike(subject, inputs)]
  const slopes = mappingOf(lossGradient(graph))
  const [hu, hv] = [slopes.push(inputs, u), slopes.push(inputs, v)]
  const [left, right] = [inner(u, hv), inner(v, hu)]
  const scale = 1 + innerSize(u, hv) + innerSize(v, hu)
  if (Math.abs(left - right) > 1e-8 * scale) return `⟨u, Hv⟩ = ${left}, ⟨v, Hu⟩ = ${right}`
  const other = gradient(tangent(graph, { by: names }), { of: 'tangent.loss', by: names })
  return unequal('forward over reverse and reverse over forward', hv, caller(other)([...inputs, ...v]), 1e-8)
}

/** Laws 1, 2, 3, 4 and 7 of the catalogue. */
export const coreLaws: readonly GraphLaw[] = [
  { name: '1 pullbacks are linear', analytic: false, broken: pullbackLinear },
  { name: '2 forward and reverse mode are adjoint', analytic: false, broken: pairing },
  { name: '3 derivatives compose by the chain rule', analytic: false, broken: chain },
  { name: '4 derivatives agree with finite differences', analytic: true, broken: differences },
  { name: '4 gradient and tangent are the two modes', analytic: false, broken: doors },
  { name: '7 the Hessian is symmetric', analytic: true, broken: hessian },
]
