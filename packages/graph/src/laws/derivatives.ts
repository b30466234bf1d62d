import { compareAlong } from './compare.js'
import { mappingOf, pullbackGraph } from './mapping.js'
import { drawTensor } from './random.js'
import type { Site } from './site.js'
import { along, gapOf, inner, innerSize, times, type Vector, zerosLike } from './vectors.js'

/** A law of ops: what is wrong at a site, or undefined. */
export type OpLaw = (site: Site) => string | undefined

const drawn = (like: Vector, next: () => number): Vector => like.map(part => drawTensor(next, part.shape))

/** Both modes against central differences. */
export function finiteDifference({ mapping, inputs, wanted, next }: Site): string | undefined {
  const modes = ['reverse', 'forward'] as const
  const w = drawn(mapping.call(inputs), next)
  const found = compareAlong({ mapping, inputs, wanted, modes }, drawn(inputs, next), w, 1e-6)
  const wrong = found.find(({ verdict }) => verdict === 'wrong')
  return wrong && `${wrong.mode} mode gives ${wrong.analytic}, finite differences ${wrong.numeric}`
}

/** The derivative of the pullback, in both modes, against central differences. */
export function secondOrder(site: Site): string | undefined {
  const { mapping, inputs, wanted, next } = site
  const graph = pullbackGraph(mapping.graph, wanted)
  const all = graph.inputs.map((_, i) => wanted[i] ?? true)
  const seeds = drawn(mapping.call(inputs), next)
  const second = { ...site, mapping: mappingOf(graph, all), inputs: [...inputs, ...seeds], wanted: all }
  const found = finiteDifference(second)
  return found && `the derivative of the pullback: ${found}`
}

/** ⟨J v, w⟩ = ⟨v, Jᵀ w⟩. */
export function adjoint({ mapping, inputs, wanted, next }: Site): string | undefined {
  const v = drawn(inputs, next).filter((_, i) => wanted[i])
  const w = drawn(mapping.call(inputs), next)
  const [jv, jtw] = [mapping.push(inputs, v), mapping.pull(inputs, w)]
  const [left, right] = [inner(jv, w), inner(v, jtw)]
  const scale = 1 + innerSize(jv, w) + innerSize(v, jtw)
  if (Math.abs(left - right) <= 1e-10 * scale) return undefined
  return `⟨Jv, w⟩ = ${left} and ⟨v, Jᵀw⟩ = ${right}; they are equal`
}

/** Both modes are linear in what they carry: f(2a − b) = 2 f(a) − f(b). */
export function linearity({ mapping, inputs, wanted, next }: Site): string | undefined {
  const w = drawn(mapping.call(inputs), next)
  const v = inputs.filter((_, i) => wanted[i])
  const pull = combines(x => mapping.pull(inputs, x), w, drawn(w, next))
  const push = combines(x => mapping.push(inputs, x), drawn(v, next), drawn(v, next))
  if (pull > 1e-10) return `the pullback of 2a − b is not twice that of a minus that of b (off by ${pull})`
  return push > 1e-10 ? `the pushforward of 2a − b is not 2Ja − Jb (off by ${push})` : undefined
}

function combines(f: (x: Vector) => Vector, a: Vector, b: Vector): number {
  const joint = f(along(times(2, a), -1, b))
  return gapOf(joint, along(times(2, f(a)), -1, f(b))).error
}

/** A mode asked for some inputs only gives what it gives for them when asked for all. */
export function selection({ mapping, inputs, wanted, next }: Site): string | undefined {
  const positions = wanted.flatMap((on, i) => (on ? [i] : []))
  const w = drawn(mapping.call(inputs), next)
  const v = drawn(inputs, next)
  const all = mapping.pull(inputs, w)
  for (const [k, i] of positions.entries()) {
    const part = mappingOf(
      mapping.graph,
      wanted.map((_, other) => other === i),
    )
    if (gapOf(part.pull(inputs, w), [all[k]!]).error > 1e-12)
      return `the cotangent of input ${i} alone is not the one it gets beside the others`
    const still = zerosLike(positions.map(at => inputs[at]!)).map((zero, at) => (at === k ? v[i]! : zero))
    if (gapOf(part.push(inputs, [v[i]!]), mapping.push(inputs, still)).error > 1e-12)
      return `the tangent along input ${i} alone is not the one with zero tangents beside it`
  }
  return undefined
}
