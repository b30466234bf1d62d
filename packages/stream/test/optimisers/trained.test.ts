import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isShape, isTensor, leaves, squaredError, type Tensor, type Tree } from '@bptt/graph'
import { every } from '@bptt/unroll'
import { concat, NEVER } from 'rxjs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  accumulate,
  adam,
  averaged,
  chain,
  clipByGlobalNorm,
  clipByValue,
  ema,
  freeze,
  groups,
  inverseSqrt,
  lion,
  type Optimizer,
  rmsprop,
  type Snapshot,
  sgd,
  trainer,
  warmUp,
} from '../../src/index.js'
import { load, save } from '../../src/node/index.js'
import { bits, collect, events, net } from '../support.js'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bptt-'))
})
afterAll(() => rm(folder, { recursive: true }))

const names = leaves(net.params, isShape, 'test').map(([name]) => name)
const some = names[0]!

const optimizers: readonly (readonly [name: string, Optimizer])[] = [
  ['rmsprop with a schedule', rmsprop(inverseSqrt(0.01), { centered: true, momentum: 0.5 })],
  ['accumulation inside an average', ema(0.9, accumulate(3, chain(clipByValue(0.5), adam(0.01))))],
  ['an average inside accumulation', accumulate(2, ema(0.9, lion(warmUp(4, 1e-3))))],
  [
    'groups',
    groups({
      [some]: freeze(),
      'readout.*': ema(0.5, sgd(0.1)),
      '*': chain(clipByGlobalNorm(1), adam(0.01)),
    }),
  ],
]

const options = { model: net, loss: squaredError, estimator: every(4), seed: 3 } as const
const samples = events(90)

/** The state after some events, on an engine, from a state. */
function trained(
  optimizer: Optimizer,
  from: Partial<Parameters<typeof trainer>[0]>,
  part = samples,
): Snapshot {
  const online = trainer({ ...options, optimizer, ...from })
  expect(collect(part, online.train()).error).toBeUndefined()
  return online.snapshot()
}

/** The state while more events are awaited. */
function unfinished(optimizer: Optimizer, part: typeof samples): Snapshot {
  const online = trainer({ ...options, optimizer })
  collect(concat(part, NEVER), online.train())
  return online.snapshot()
}

const numbers = (tree: Tree<Tensor>): number[] =>
  leaves(tree, isTensor, 'test').flatMap(([, { data }]) => [...data])

describe('a trainer', () => {
  test.each(optimizers)('with %s learns the same, compiled or not', (_, optimizer) => {
    const wanted = trained(optimizer, { engine: 'reference' })
    const found = trained(optimizer, { dtype: 'float64' })
    for (const part of ['params', 'slots'] as const) {
      const all = numbers(wanted[part])
      numbers(found[part]).forEach((value, i) => expect(value).toBeCloseTo(all[i]!, 9))
    }
    expect(numbers(wanted.params)).not.toEqual(numbers(trainer({ ...options, optimizer }).snapshot().params))
  })

  test.each(optimizers)(
    'with %s goes on from a file as if never stopped, to the bit',
    async (_, optimizer) => {
      const file = join(folder, 'model.safetensors')
      const whole = trained(optimizer, {})
      for (const at of [4, 20, 41]) {
        await save(file, unfinished(optimizer, samples.slice(0, at)))
        const later = trained(optimizer, { from: await load(file) }, samples.slice(at))
        expect([bits(later.params), bits(later.slots)]).toEqual([bits(whole.params), bits(whole.slots)])
      }
    },
  )

  test('has averaged parameters to evaluate with', () => {
    const optimizer = ema(0.8, sgd(0.1))
    const snapshot = trained(optimizer, {})
    const average = averaged(optimizer, snapshot)
    expect(leaves(average, isTensor, 'test').map(([name]) => name)).toEqual(names)
    expect(numbers(average)).not.toEqual(numbers(snapshot.params))
    expect(
      Math.max(...numbers(average).map((a, i) => Math.abs(a - numbers(snapshot.params)[i]!))),
    ).toBeLessThan(0.5)
  })

  test('refuses an optimiser that makes no step, as it is made', () => {
    for (const engine of ['compiled', 'reference'] as const)
      expect(() => trainer({ ...options, engine, optimizer: clipByGlobalNorm(1) })).toThrow(
        'optimizer: clipByGlobalNorm(1) only changes gradients; it needs a step after it\nhint: chain(clipByGlobalNorm(1), adam(1e-3))',
      )
  })

  test('refuses groups that do not fit the model, as it is made', () => {
    expect(() => trainer({ ...options, optimizer: groups({ 'lstm.*': sgd(1), '*': sgd(1) }) })).toThrow(
      `groups: pattern 'lstm.*' fits no parameter; there are '${names.join("', '")}'`,
    )
  })
})
