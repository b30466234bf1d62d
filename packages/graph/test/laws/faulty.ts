import { mul } from '../../src/elementwise.js'
import { GraphError } from '../../src/error.js'
import type { OpSpec } from '../../src/graph.js'
import { sumTo } from '../../src/linear.js'
import { op } from '../../src/op.js'
import { filled, type Tensor } from '../../src/tensor.js'

const doubled = (x: Tensor): Tensor => ({ shape: x.shape, data: x.data.map(value => 2 * value * value) })

/** 2x², declared rightly, then with one thing wrong each. */
export const right = op({
  name: 'twiceSquare',
  inputs: ['x'],
  saves: ['x'],
  shape: ([x]) => x!,
  forward: ([x]) => doubled(x!),
  jvp: { x: (tangent, { x }) => mul(tangent, mul(x, 4)) },
  vjp: { x: (g, { x }) => mul(g, mul(x, 4)) },
})

const changed = (change: Partial<OpSpec>): OpSpec => ({ ...right.spec, ...change })

/** Specs by the law that each breaks. */
export const faulty: Readonly<Record<string, OpSpec>> = {
  shape: changed({ forward: ([x]) => [filled([...x!.shape, 1], 0)] }),
  'finite-difference': op({
    name: 'twiceSquare',
    inputs: ['x'],
    saves: ['x'],
    shape: ([x]) => x!,
    forward: ([x]) => doubled(x!),
    jvp: { x: (tangent, { x }) => mul(tangent, mul(x, 3)) },
    vjp: { x: (g, { x }) => mul(g, mul(x, 3)) },
  }).spec,
  adjoint: op({
    name: 'twiceSquare',
    inputs: ['x'],
    saves: ['x'],
    shape: ([x]) => x!,
    forward: ([x]) => doubled(x!),
    jvp: { x: (tangent, { x }) => mul(tangent, mul(x, 4)) },
    vjp: { x: (g, { x }) => mul(g, mul(x, 5)) },
  }).spec,
  linear: op({
    name: 'twiceSquare',
    inputs: ['x'],
    saves: ['x'],
    shape: ([x]) => x!,
    forward: ([x]) => doubled(x!),
    jvp: { x: (tangent, { x }) => mul(mul(tangent, tangent), mul(x, 4)) },
    vjp: { x: (g, { x }) => mul(g, mul(x, 4)) },
  }).spec,
  saves: changed({ saves: [] }),
  fold: changed({ fold: ([x]) => x }),
  mutation: changed({
    forward: ([x]) => {
      const out = doubled(x!)
      x!.data.fill(0)
      return [out]
    },
  }),
  cost: changed({ flops: () => 0.5 }),
  errors: op({
    name: 'twiceSquare',
    inputs: ['x'],
    saves: ['x'],
    shape: ([x]) => {
      if (x!.length > 2) throw new GraphError('shape', 'somewhere', 'is too large')
      return x!
    },
    forward: ([x]) => doubled(x!),
    jvp: { x: (tangent, { x }) => mul(tangent, mul(x, 4)) },
    vjp: { x: (g, { x }) => sumTo(mul(g, mul(x, 4)), { shape: x.shape }) },
  }).spec,
}
