import { describe, expect, test } from 'vitest'
import { Builder } from '../../src/builder.js'
import type { OpSpec } from '../../src/graph.js'
import { ops } from '../../src/ops/all.js'
import type { Ref } from '../../src/ref.js'
import {
  differenceAlong,
  directionOf,
  draws,
  pointOf,
  projected,
  slopeGraph,
  slopesAlong,
} from './numeric.js'

const label = (spec: OpSpec, i: number): string =>
  `${spec.name} ${JSON.stringify(spec.samples.cases[i]!.shapes)} ${JSON.stringify(spec.samples.cases[i]!.attrs ?? {})}`

const smooth = ops.filter(spec => spec.analytic)
const cases = smooth.flatMap(spec => spec.samples.cases.map((_, i) => [label(spec, i), spec, i] as const))

describe('the derivative of an op', () => {
  test.each(cases)('agrees with central differences in both modes: %s', (_label, spec, i) => {
    const next = draws(17 + i)
    const sample = spec.samples.cases[i]!
    const made = projected(spec, sample, next)
    for (let trial = 0; trial < 3; trial++) {
      const point = pointOf(spec, sample, next)
      const along = directionOf(spec, point, next)
      const wanted = differenceAlong(made, point, along)
      const { reverse, forward } = slopesAlong(made, point, along)
      expect(reverse).toBeCloseTo(wanted, 7)
      expect(forward).toBeCloseTo(reverse, 12)
    }
  })

  test.each(cases)('can be differentiated again: %s', (_label, spec, i) => {
    const next = draws(5 + i)
    const sample = spec.samples.cases[i]!
    const point = pointOf(spec, sample, next)
    const made = slopeGraph(projected(spec, sample, next), directionOf(spec, point, next))
    const along = directionOf(spec, point, next)
    const wanted = differenceAlong(made, point, along)
    const { reverse, forward } = slopesAlong(made, point, along)
    expect(reverse).toBeCloseTo(wanted, 6)
    expect(forward).toBeCloseTo(reverse, 11)
  })
})

/** Names of the inputs, and `y`, whose values the derivative rules of an op read in one of its cases. */
function reads(spec: OpSpec, { shapes, attrs = {} }: OpSpec['samples']['cases'][number]): Set<string> {
  const found = new Set<string>()
  for (const mode of ['linearize', 'push'] as const) {
    const builder = new Builder()
    const inputs = shapes.map((shape, i) => builder.input(`x${i}`, shape))
    const dots = inputs.map((x, i) => (spec.differentiable(i) ? builder.input(`dot${i}`, x.shape) : null))
    const line =
      mode === 'push'
        ? spec.push(inputs, attrs, dots)
        : spec.linearize(
            inputs,
            attrs,
            inputs.map((_, i) => spec.differentiable(i)),
          )
    const [y] = line.outputs as [Ref]
    if ('pullback' in line) line.pullback([builder.input('bar', y.shape)])
    const made = builder.nodes.filter(node => node.kind === 'apply' && node.outputs[0] !== y.id)
    const used = new Set(made.flatMap(node => (node.kind === 'apply' ? node.inputs : [])))
    inputs.forEach((x, i) => {
      if (used.has(x.id)) found.add(spec.inputs[i] ?? spec.inputs.at(-1)!)
    })
    if (used.has(y.id)) found.add('y')
  }
  return found
}

describe('the values that a derivative reads', () => {
  const each = ops.filter(spec => spec.samples.cases.length > 0).map(spec => [spec.name, spec] as const)

  test.each(each)('are the ones it saves: %s', (_name, spec) => {
    const read = new Set(spec.samples.cases.flatMap(sample => [...reads(spec, sample)]))
    expect([...read].sort()).toEqual([...spec.saves].sort())
  })
})

describe('the list of ops', () => {
  test('names every op once', () => {
    const names = ops.map(spec => spec.name)
    expect(names.filter((name, i) => names.indexOf(name) < i)).toEqual([])
  })

  test('gives every op but the loop a case to test', () => {
    expect(ops.filter(spec => spec.samples.cases.length === 0).map(spec => spec.name)).toEqual(['scan'])
  })
})
