import process from 'node:process'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { add, mul, type Ref, slice, squaredError, type Values } from '@bptt/graph'
import { op } from '@bptt/graph/op'
import { describe, expect, test } from 'vitest'
import {
  type Checkpointed,
  type CheckpointOptions,
  type CheckpointPlan,
  cell,
  checkpointed,
  unroll,
} from '../src/index.js'
import { random } from './support.js'

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

const steps = 6
/** Numbers of a state: so many that nothing else of a run is a tenth as large. */
const width = 2 ** 15
const stateBytes = 8 * width

/** Bytes that numbers take up in this thread, garbage swept away. */
function liveBytes(): number {
  collect()
  collect() // what the first one found is swept by the second
  return process.memoryUsage().arrayBuffers
}

const samples: number[] = []

/** Identity, which looks at the memory whenever a step runs forward. */
const look = op({
  name: 'look',
  inputs: ['x'],
  saves: [],
  shape: ([x]) => x!,
  forward: ([x]) => {
    samples.push(liveBytes())
    return x!
  },
  jvp: { x: tangent => tangent },
  vjp: { x: cotangent => cotangent },
})

const model = cell<{ a: [] }, { h: [number] }>({
  name: 'wide',
  params: () => ({ a: [] }),
  carry: () => ({ h: [width] }),
  step({ a }, { h }, x) {
    const next = add(mul(look(h as Ref), a), x)
    return [{ h: next }, slice(next, { axis: 0, start: 0, size: 1 })]
  },
})({ inputs: 1, hidden: 1 })

const values = {
  params: { a: 0.9 },
  carry: { h: random([width], 1) },
  xs: random([steps, 1], 2),
  targets: random([steps, 1], 3),
} as Values

/** Live bytes besides `values`, in states, as each step of a plan runs. */
function measured({ run }: Checkpointed): readonly number[] {
  samples.length = 0
  const before = liveBytes()
  run(values)
  return samples.map(bytes => (bytes - before) / stateBytes)
}

/** States besides the held ones while a step runs: the cotangent of the carry, and on the way back what it starts from. */
const OWN = { advance: 1, back: 2 }

/** Per step that runs: states held, and whether the one it starts from is among them. */
function planned({ actions }: CheckpointPlan): readonly { held: number; apart: number; own: number }[] {
  const held = new Set<number>()
  let now = 0
  return actions.flatMap(({ do: what, t }) => {
    if (what === 'save') held.add(t)
    if (what === 'drop') held.delete(t)
    if (what === 'save' || what === 'restore') now = t
    if (what !== 'advance' && what !== 'back') return []
    const row = { held: held.size, apart: held.has(now) ? 0 : 1, own: OWN[what] }
    now = t
    return row
  })
}

describe('the memory of a checkpointed timeline', () => {
  test.each<[string, CheckpointOptions, number]>([
    ['a state every √T steps', {}, 4],
    ['revolve with 2 states', { snapshots: 2 }, 2],
    ['a budget of 3 states and a half', { bytes: 3.5 * stateBytes }, 3],
  ])(
    'is what the plan holds, step by step and at its peak, and it runs as often as it says: %s',
    (_, options, peak) => {
      const made = checkpointed(unroll(model, { steps, loss: squaredError }), options)
      const states = measured(made)
      const rows = planned(made.plan)
      expect(states).toHaveLength(made.plan.advances + steps)
      // state 0 is the caller's, among `values`
      const held = states.map((live, i) => live + 1 - rows[i]!.apart - rows[i]!.own)
      held.forEach((live, i) => {
        expect(Math.abs(live - rows[i]!.held)).toBeLessThan(0.1)
      })
      expect(made.stateBytes).toBe(stateBytes)
      expect(made.plan.held).toBe(peak)
      expect(Math.round(Math.max(...held))).toBe(peak)
    },
  )
})
