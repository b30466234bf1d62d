import { isTensor, leaves, type Tensor } from '@bptt/graph'
import { type Cell, elman, gru, lstm, withReadout } from '@bptt/unroll'

/** A recurrent net, what it is fed, and how it learns. */
export interface Workload {
  readonly name: string
  readonly title: string
  readonly cell: 'elman' | 'lstm' | 'gru' | 'balancing'
  readonly inputs: number
  readonly hidden: number
  readonly outputs: number
  readonly batch: number
  readonly steps: number
  /** `squared`: mean over batch, time and outputs; `cross-entropy`: mean over batch and time. */
  readonly loss: 'squared' | 'cross-entropy'
  readonly optimizer: 'sgd' | 'adam'
  readonly rate: number
  /** How many times as fast as jax-js it shall be. */
  readonly bar: number
  /** Engines that take so long for it that they are left out unless asked for. */
  readonly slow?: readonly string[]
}

const lstmOn64 = {
  cell: 'lstm',
  inputs: 64,
  outputs: 64,
  loss: 'cross-entropy',
  optimizer: 'adam',
  rate: 1e-3,
} as const

/** W1–W7. Inputs of W2, W3, W4 and W7 are one-hot vectors; influence balancing (W6) has a program of its own. */
export const workloads: readonly Workload[] = [
  {
    ...{ name: 'W1', title: 'online-tiny', cell: 'elman', inputs: 8, hidden: 32, outputs: 8, batch: 1 },
    ...{ steps: 16, loss: 'squared', optimizer: 'sgd', rate: 1e-2, bar: 100 },
  },
  { ...lstmOn64, name: 'W2', title: 'char-small', hidden: 128, batch: 1, steps: 50, bar: 40 },
  { ...lstmOn64, name: 'W3', title: 'char-batch', hidden: 256, batch: 32, steps: 50, bar: 2.4 },
  {
    ...{ ...lstmOn64, name: 'W4', title: 'char-large', hidden: 512, batch: 64, steps: 64, bar: 1.8 },
    slow: ['tfjs'],
  },
  {
    ...{ name: 'W5', title: 'gru-stream', cell: 'gru', inputs: 16, hidden: 128, outputs: 4, batch: 16 },
    ...{ steps: 32, loss: 'squared', optimizer: 'adam', rate: 1e-3, bar: 6 },
  },
  {
    ...{ name: 'W6', title: 'influence balancing', cell: 'balancing', inputs: 0, hidden: 23, outputs: 1 },
    ...{ batch: 1, steps: 100, loss: 'squared', optimizer: 'sgd', rate: 3e-4, bar: 40 },
  },
  { ...lstmOn64, name: 'W7', title: 'char-online-large', hidden: 512, batch: 1, steps: 50, bar: 20 },
]

/** Sequences [steps, batch, width] and targets, the same for every engine. */
export interface Data {
  readonly xs: Float32Array
  /** Vectors [steps, batch, outputs], or class numbers [steps, batch]. */
  readonly targets: Float32Array
}

/** Numbers in [0, 1) from a fixed seed. */
export function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) | 0
    return (state >>> 8) / 2 ** 24
  }
}

/** One batch for a workload. */
export function dataOf(work: Workload): Data {
  const random = generator(7)
  const rows = work.steps * work.batch
  const real = (): number => random() - 0.5
  if (work.loss === 'squared')
    return {
      xs: Float32Array.from({ length: rows * work.inputs }, real),
      targets: Float32Array.from({ length: rows * work.outputs }, real),
    }
  const symbol = (): number => Math.floor(random() * work.inputs)
  return {
    xs: oneHot(Float32Array.from({ length: rows }, symbol), work.inputs),
    targets: Float32Array.from({ length: rows }, symbol),
  }
}

/** Numbers of classes as rows of zeros with a one. */
export function oneHot(ids: Float32Array, width: number): Float32Array {
  const out = new Float32Array(ids.length * width)
  ids.forEach((id, row) => {
    out[row * width + id] = 1
  })
  return out
}

/** The net of a workload; influence balancing has none. */
export function modelOf({ cell, inputs, hidden, outputs }: Workload): Cell {
  const make = { elman, lstm, gru, balancing: undefined }[cell]
  if (make === undefined) throw new Error(`${cell} is no net with a readout`)
  return withReadout(make({ inputs, hidden }), { outputs })
}

/** Start parameters by name, rounded to float32, so that all engines begin with the same. */
export function startOf(work: Workload): ReadonlyMap<string, Tensor> {
  const rounded = ({ shape, data }: Tensor): Tensor => ({ shape, data: data.map(Math.fround) })
  return new Map(
    leaves<Tensor>(modelOf(work).init(1).params, isTensor, work.name).map(([name, value]) => [
      name,
      rounded(value),
    ]),
  )
}

/**
 * Floating-point operations in the matrix products of one training step: forward, and backward into weights, state and
 * readout; no cotangent of the inputs. Elementwise work is not counted.
 */
export function flopsOf({ cell, inputs, hidden, outputs, batch, steps }: Workload): number {
  const gates = { elman: 1, lstm: 4, gru: 3, balancing: 1 }[cell] * hidden
  if (cell === 'balancing') return steps * 2 * 2 * hidden * hidden
  const recurrent = 3 * hidden * gates
  const input = 2 * inputs * gates
  const readout = 3 * hidden * outputs
  return 2 * batch * steps * (recurrent + input + readout)
}

/** Influence balancing: s' = A s + θ v, ten windows of ten, plain sums of ½(s₁ − 1)². */
export const balancing = {
  windows: 10,
  window: 10,
  theta: 0.5,
  /** Half of each entry stays, half of the next comes in. */
  A: (n: number): Tensor => ({
    shape: [n, n],
    data: Float64Array.from({ length: n * n }, (_, k) => {
      const ahead = (k % n) - Math.floor(k / n)
      return ahead === 0 || ahead === 1 ? 0.5 : 0
    }),
  }),
  v: (n: number): Tensor => ({
    shape: [n],
    data: Float64Array.from({ length: n }, (_, k) => (k < 10 ? 1 : -1)),
  }),
} as const
