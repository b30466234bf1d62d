import { describe, expect, test } from 'vitest'
import {
  add,
  exp,
  expand,
  GraphError,
  gate,
  graph,
  linear,
  mul,
  print,
  scan,
  square,
  sub,
  sum,
  tanh,
} from '../../src/index.js'
import { checkGradients, expectGradients, showReport, toHaveCorrectGradients } from '../../src/laws/index.js'
import { op } from '../../src/op.js'
import { abs } from '../../src/ops/compare.js'
import type { Ref } from '../../src/ref.js'

const wrongSquare = op({
  name: 'wrongSquare',
  inputs: ['x'],
  saves: ['x'],
  shape: ([x]) => x!,
  forward: ([x]) => ({ shape: x!.shape, data: x!.data.map(value => value * value) }),
  jvp: { x: (tangent, { x }) => mul(tangent, mul(x, 2)) },
  vjp: { x: (g, { x }) => mul(g, mul(x, 2.5)) },
})

const model = graph({ params: { W: [2, 3], b: [2] }, x: ['T', 3] }, ({ params, x }) => ({
  loss: sum(square(tanh(linear(x, params.W, params.b)))),
}))

const broken = graph({ params: { w: [2, 3] }, x: [3] }, ({ params, x }) => {
  const a = exp(mul(params.w, x))
  return { loss: sum(wrongSquare(a)) }
})

describe('checkGradients', () => {
  test('a right gradient passes in both modes, over named axes', () => {
    const report = checkGradients(model)
    expect(report).toMatchObject({ ok: true, checked: 6, kinks: [], seed: 1 })
    expect(report.worst!.error).toBeLessThan(1e-8)
  })

  test('the full Jacobian compares every element of every input in both modes', () => {
    expect(checkGradients(model, { full: true, axes: { T: 4 } })).toMatchObject({
      ok: true,
      checked: 2 * (6 + 2 + 12),
    })
  })

  test('by and of choose inputs and outputs', () => {
    expect(checkGradients(model, { full: true, by: ['params'], of: ['loss'] }).checked).toBe(2 * 8)
    expect(() => checkGradients(model, { by: ['weights'] })).toThrow(
      "'weights': is not an input; inputs are params.W",
    )
  })

  test('second order compares the derivative of the gradient, too', () => {
    expect(checkGradients(model, { second: true, directions: 1 })).toMatchObject({ ok: true, checked: 4 })
  })

  test('a plain function is checked over the shapes of its inputs', () => {
    const report = checkGradients(({ x }) => ({ y: square(x) }), { inputs: { x: [3] } })
    expect(report.ok).toBe(true)
  })

  test('a wrong pullback is named by mode, input, index and node', () => {
    const report = checkGradients(broken, { seed: 4 })
    expect(report).toMatchObject({
      ok: false,
      seed: 4,
      worst: {
        mode: 'reverse',
        input: expect.stringMatching(/^(params\.w|x)$/),
        node: 'c: [2, 3] = wrongSquare(b)',
      },
    })
    expect(report.worst!.analytic / report.worst!.numeric).toBeCloseTo(1.25, 6)
    expect(print(broken)).toContain(report.worst!.node)
  })

  test('the full Jacobian of a wrong gradient names the output element', () => {
    const wrong = graph({ x: [2] }, ({ x }) => ({ y: wrongSquare(x) }))
    const { worst } = checkGradients(wrong, { full: true, values: { x: [0.1, 3] } })
    expect(worst).toMatchObject({
      input: 'x',
      index: [1],
      output: 'y',
      outputIndex: [1],
      numeric: expect.closeTo(6, 6),
      analytic: 7.5,
    })
  })

  test('a wrong node in the body of a loop is named', () => {
    const loop = graph({ x: ['T', 2] }, ({ x }) => {
      const [h] = scan((carry: Ref, row: Ref) => [wrongSquare(tanh(add(carry, row))), {}], {
        carry: sum(x, { axis: 0 }),
        xs: x,
      })
      return { h }
    })
    expect(checkGradients(loop).worst!.node).toMatch(/= wrongSquare\(/)
  })

  test('a wrong node after a value whose axis no input of the node binds is named', () => {
    const spread = graph({ x: ['T'], b: [] }, ({ x, b }) => ({
      y: add(wrongSquare(expand(b, { shape: ['T'] })), x),
    }))
    expect(checkGradients(spread).worst!.node).toMatch(/^\w+: \[T\] = wrongSquare\(\w+\)$/)
  })

  test('a gate is blamed where everything else is right', () => {
    const gated = graph({ x: [3] }, ({ x }) => ({ y: sum(square(gate(x, { by: 0.5 }))) }))
    expect(checkGradients(gated).worst!.node).toBe(
      'a: [3] = gate(x, 0.5) (its derivative is declared, not that of its value)',
    )
  })

  test('a kink is reported, and is no failure', () => {
    const kinked = graph({ x: [2] }, ({ x }) => ({ y: sum(abs(x)) }))
    const report = checkGradients(kinked, { values: { x: [0.5, 0] }, full: true })
    expect(report).toMatchObject({ ok: true, checked: 4 })
    const near = checkGradients(kinked, { values: { x: [0.5, 1e-5] }, full: true })
    expect(near.kinks.map(({ input, index }) => `${input}[${index}]`)).toEqual(['x[1]', 'x[1]'])
    expect(near.ok).toBe(true)
  })

  test('integer inputs are drawn as integers and have no derivative', () => {
    const asked = checkGradients(({ x, k }) => ({ y: mul(x, k) }), {
      inputs: { x: [2], k: [2] },
      integers: { k: 3 },
      full: true,
    })
    expect(asked).toMatchObject({ ok: true, checked: 2 * 2 * 2 })
  })

  test('the same seed compares the same numbers', () => {
    expect(checkGradients(model, { seed: 7 })).toEqual(checkGradients(model, { seed: 7 }))
    expect(checkGradients(model, { seed: 7 }).worst).not.toEqual(checkGradients(model, { seed: 8 }).worst)
  })
})

describe('expectGradients and the matcher', () => {
  test('a right gradient gives the report', () => {
    expect(expectGradients(model).ok).toBe(true)
    expect(showReport(expectGradients(model))).toMatch(
      /^6 derivatives compared; the largest error is .*e-\d+, in /,
    )
  })

  test('a wrong gradient throws, with place, values, node and seed', () => {
    const thrown = ((): unknown => {
      try {
        return expectGradients(broken, { seed: 3 })
      } catch (error) {
        return error
      }
    })() as GraphError
    expect(thrown).toBeInstanceOf(GraphError)
    expect(thrown.code).toBe('wrong-gradient')
    expect(thrown.message).toMatch(
      /^checkGradients: the reverse derivative by '.*'\[.*\] is .* and finite differences give .*, first wrong in `c: \[2, 3\] = wrongSquare\(b\)`; both agree where a derivative is right\nhint: seed 3 repeats it$/,
    )
  })

  test('the matcher passes and fails with the report', () => {
    expect(toHaveCorrectGradients(model).pass).toBe(true)
    const failed = toHaveCorrectGradients(broken)
    expect(failed.pass).toBe(false)
    expect(failed.message()).toContain('wrongSquare')
    expect.extend({ toHaveCorrectGradients: toHaveCorrectGradients as never })
    const extended = expect(model) as unknown as { toHaveCorrectGradients(): void }
    expect(() => extended.toHaveCorrectGradients()).not.toThrow()
    expect(() => (expect(broken) as unknown as typeof extended).toHaveCorrectGradients()).toThrow(
      'wrongSquare',
    )
  })

  test('a function without smooth derivatives says so', () => {
    const jump = checkGradients(({ x }) => ({ y: sub(mul(x, Number.NaN), 1) }), { inputs: { x: [] } })
    expect(jump).toMatchObject({ ok: true, worst: undefined, checked: 0 })
    expect(showReport(jump)).toMatch(/^0 derivatives compared, \d+ kinks left out, none of them smooth$/)
  })
})
