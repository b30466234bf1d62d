import {
  evaluate,
  graph,
  isShape,
  leaves,
  type Ref,
  type Shape,
  type Tensor,
  type Tree,
  type Values,
} from '@bptt/graph'
import { describe, expect, test } from 'vitest'
import { adam, ema, freeze, groups, lion, type Optimizer, rmsprop, sgd } from '../../src/index.js'
import { course, start } from './support.js'

const net = { layers: { '0': { W: [2], b: [1] }, '1': { W: [2], b: [1] } }, 'out.W': [1] }

/** One update of a net of ones with gradients of ones: how far each parameter moved, by name. */
function moves(optimizer: Optimizer, shapes: Tree<Shape> = net): Record<string, number> {
  const inputs = { gradients: shapes, params: shapes, slots: optimizer.slots(shapes), count: [] }
  const program = graph(inputs as Tree<Shape>, refs => {
    const at = refs as unknown as Record<'gradients' | 'params' | 'slots', Tree<Ref>> & { count: Ref }
    return { updates: optimizer.update(at.gradients, { ...at, slots: at.slots ?? {} }).updates }
  })
  const values = program.inputs.map(({ name, value }) => {
    const shape = program.shapes[value] as number[]
    const size = shape.reduce((a, b) => a * b, 1)
    return [name, { shape, data: new Float64Array(size).fill(name.startsWith('slots') ? 0 : 1) }] as const
  })
  const { updates } = evaluate(program, Object.fromEntries(values) as Values) as unknown as {
    updates: Tree<Tensor>
  }
  const found = leaves(updates, (value): value is Tensor => 'data' in (value as object), 'test')
  return Object.fromEntries(found.map(([name, { data }]) => [name, data[0]!]))
}

describe('groups', () => {
  test('give each parameter to the first pattern that fits its name', () => {
    const optimizer = groups({ 'layers.0.*': sgd(1), '*.b': sgd(2), '*': sgd(3) })
    expect(moves(optimizer)).toEqual({
      'layers.0.W': -1,
      'layers.0.b': -1,
      'layers.1.W': -3,
      'layers.1.b': -2,
      'out.W': -3,
    })
  })

  test('take a pattern as it is written: a dot is a dot, and the whole name counts', () => {
    const shapes = { aXb: [1], a: { b: [1], bb: [1] }, '(a|b)+': [1], cat: [1], scat: [1] }
    const optimizer = groups({ 'a.b': sgd(1), '(a|b)+': sgd(2), 'c*t': sgd(3), '*': sgd(4) })
    expect(moves(optimizer, shapes)).toEqual({
      aXb: -4,
      'a.b': -1,
      'a.bb': -4,
      '(a|b)+': -2,
      cat: -3,
      scat: -4,
    })
  })

  test('keep slots of their own, in order', () => {
    const optimizer = groups({ 'layers.*': adam(1), '*': lion(1) })
    const names = leaves(optimizer.slots(net), isShape, 'test').map(([name]) => name)
    expect(names).toEqual([
      'g0.m.layers.0.W',
      'g0.m.layers.0.b',
      'g0.m.layers.1.W',
      'g0.m.layers.1.b',
      'g0.v.layers.0.W',
      'g0.v.layers.0.b',
      'g0.v.layers.1.W',
      'g0.v.layers.1.b',
      'g1.m.out.W',
    ])
  })

  test('make the updates that each optimiser makes alone', () => {
    const gradients = [
      [1, -2, 3, -4],
      [4, 3, -2, 1],
      [0.1, 0.2, 0.3, 0.4],
    ]
    const both = course(groups({ b: rmsprop(0.1), '*': adam(0.1) }), gradients).params
    expect(both.slice(0, 3)).toEqual(course(adam(0.1), gradients).params.slice(0, 3))
    expect(both[3]).toBe(course(rmsprop(0.1), gradients).params[3])
  })

  test('leave frozen parameters as they are', () => {
    const { params } = course(groups({ a: freeze(), b: sgd(1) }), [
      [1, 2, 3, 4],
      [1, Number.MAX_VALUE, 3, 4],
    ])
    expect(params.slice(0, 3)).toEqual(start.slice(0, 3))
    expect(params[3]).toBeCloseTo(start[3]! - 8, 12)
  })

  test('in groups are told apart', () => {
    const inner = groups({ '*.W': sgd(1), '*': sgd(2) })
    expect(moves(groups({ 'layers.*': inner, '*': ema(0.5, sgd(3)) }))).toMatchObject({
      'layers.1.W': -1,
      'layers.1.b': -2,
      'out.W': -3,
    })
  })

  test.each<[Record<string, Optimizer>, string]>([
    [
      { 'layers.*': sgd(1) },
      "groups: parameter 'out.W' fits none of 'layers.*'; every parameter belongs to a group\nhint: end with '*', which takes all that is left",
    ],
    [
      { 'layer.*': sgd(1), '*': sgd(1) },
      "groups: pattern 'layer.*' fits no parameter; there are 'layers.0.W', 'layers.0.b', 'layers.1.W', 'layers.1.b', 'out.W'",
    ],
    [
      { '*': sgd(1), 'out.W': sgd(2) },
      "groups: pattern 'out.W' comes after patterns that take all it fits; there are 'layers.0.W', 'layers.0.b', 'layers.1.W', 'layers.1.b', 'out.W'\nhint: write the narrower pattern first",
    ],
  ])('that do not fit the parameters are refused: %#', (patterns, message) => {
    expect(() => groups(patterns).slots(net)).toThrow(expect.objectContaining({ code: 'bad-group', message }))
  })
})
