import test from 'node:test'
import { evaluate, filled, type Graph, type Tensor } from '@bptt/graph'
import { unroll } from '@bptt/unroll'
import { expectCellLaws } from '@bptt/unroll/laws'
import fc from 'fast-check'
import { dt, oscillators } from './oscillators.ts'

test('the cell obeys every law of recurrent gradients', () => {
  expectCellLaws(oscillators({ inputs: 2, hidden: 2 }), { runs: 3, steps: 4 })
})

const real = (max: number): fc.Arbitrary<number> => fc.double({ min: -max, max, noNaN: true })
const start = fc.record({ y: real(2), z: real(2), stiffness: real(3) })

test('an oscillator that nothing drives or damps keeps its energy', () => {
  fc.assert(
    fc.property(start, ({ y, z, stiffness }) => {
      const apart = Math.abs(energy(stiffness, swing(y, z, stiffness, -800)) - energy(stiffness, { y, z }))
      return apart <= 1e-9
    }),
    { numRuns: 20 },
  )
})

test('an oscillator that is damped loses energy', () => {
  fc.assert(
    fc.property(start, ({ y, z, stiffness }) => {
      const before = energy(stiffness, { y, z })
      return energy(stiffness, swing(y, z, stiffness, 0)) <= 0.1 * before + 1e-12
    }),
    { numRuns: 20 },
  )
})

interface State {
  readonly y: number
  readonly z: number
}

/** What the step keeps: (z² + γ y² − dt γ y z) / 2. */
function energy(stiffness: number, { y, z }: State): number {
  const gamma = Math.log1p(Math.exp(stiffness))
  return (z ** 2 + gamma * y ** 2 - dt * gamma * y * z) / 2
}

const steps = 100
const line = unroll(oscillators({ inputs: 1, hidden: 1 }), { steps, batch: 1 })

/** One oscillator after 100 steps without input. */
function swing(y: number, z: number, stiffness: number, damping: number): State {
  const at = (value: number, ...shape: number[]): Tensor => filled(shape, value)
  const params = {
    ...{ W: at(0, 1, 1), V: at(0, 1, 1), b: at(0, 1) },
    ...{ stiffness: at(stiffness, 1), damping: at(damping, 1) },
  }
  const made = evaluate(line.graph as Graph, {
    params,
    carry: { y: at(y, 1, 1), z: at(z, 1, 1) },
    xs: at(0, steps, 1, 1),
  }) as { readonly carry: { readonly y: Tensor; readonly z: Tensor } }
  return { y: made.carry.y.data[0]!, z: made.carry.z.data[0]! }
}
