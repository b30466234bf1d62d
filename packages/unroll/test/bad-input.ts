import { compile, evaluate, squaredError, type Tensor, type Values, valueAndGradient } from '@bptt/graph'
import { describe, expect, test } from 'vitest'
import {
  checkpointed,
  elman,
  stack,
  type Timeline,
  type TimelineOptions,
  unroll,
  windowRunner,
  windows,
} from '../src/index.js'
import { failure, random, sequence } from './support.js'

export const loss = squaredError
export const net = elman({ inputs: 2, hidden: 3 })
export const above = elman({ inputs: 4, hidden: 3 })
export const pair = stack([net, elman({ inputs: 3, hidden: 4 })])
export const of = (options: Partial<TimelineOptions>): Timeline =>
  unroll(net, { steps: 4, batch: 2, loss, ...options })
export const line = of({})
export const data = sequence(net, [4, 2])
export const one = { params: data.params, carry: { h: random([3], 1) }, xs: random([4, 2], 2) }
export const given = (extra: object): Values => ({ ...data, ...extra }) as Values
export const filled = (shape: readonly number[], value: number): Tensor => ({
  shape,
  data: new Float64Array(shape.reduce((a, b) => a * b, 1)).fill(value),
})

/** A value that only a caller without types can give. */
export const odd = (value: unknown): never => value as never

export const STEPS = 'the number of steps is the length of the first axis of xs'
export const AXIS = "steps: 'T' takes sequences of any length"
export const CUTS = '0 cuts an edge, 1 passes its credit unchanged'
export const COUNTED = 'reweight(line, schedule) gives every edge its weight'
export const MADE = 'full(), every(K), artbp({ mean }), random({ c }) and fixed(weights) make schedules'

export const MASKED = 'weights (weighted: true) scale losses'
export const RESETS = "credit: { kind: 'input', each: true } lets a part of the credit through"

/** Ways to run a timeline of 4 steps and 2 examples, with one number of its mask or reset at place 5. */
export function flagged(name: 'mask' | 'reset', value: number): Readonly<Record<string, () => unknown>> {
  const options = name === 'mask' ? { masked: true } : { resets: true }
  const values = given({ [name]: { shape: [4, 2], data: Float64Array.of(1, 1, 1, 1, 1, value, 1, 1) } })
  const slope = valueAndGradient(of(options).graph, { of: 'loss', by: ['params'] })
  return {
    evaluate: () => evaluate(slope, values as never),
    flat: () => evaluate(of({ ...options, form: 'flat' }).graph, values),
    compiled: () => compile(slope).run(values as never),
    windows: () => evaluate(windows(of(options), { h: 2 }).graph, values),
    windowRunner: () => windowRunner(of({ ...options, steps: 'T' }), { h: 2 }).run(values),
    checkpointed: () => checkpointed(of(options)).run(values),
  }
}

export type Case = readonly [call: string, run: () => unknown, code: string, detail: string, hint: string]

/** Every case is refused with its code, its rule and the usual fix. */
export function refused(cases: Record<string, readonly Case[]>): void {
  describe.each(Object.entries(cases))('%s', (_, rows) => {
    test.each(rows)('is refused with its rule and the fix: %s', (_call, run, code, detail, hint) => {
      expect(failure(run)).toEqual([code, `${detail}\nhint: ${hint}`])
    })
  })
}
