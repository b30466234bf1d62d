// What runs alike in Node, in a page and in a worker. It takes and answers plain data.

import {
  compile,
  type Dim,
  evaluate,
  GraphError,
  isTensor,
  leaves,
  squaredError,
  type Tensor,
  type Tree,
  type Values,
  valueAndGradient,
} from '@bptt/graph'
import {
  adam,
  chain,
  clipByGlobalNorm,
  type Engine,
  nextStep,
  type Report,
  softmaxCrossEntropy,
  trainer,
} from '@bptt/stream'
import { artbp, coin, lstm, unroll, withEmbedding, withReadout, zeroCarry } from '@bptt/unroll'
import { map, range } from 'rxjs'

/** Every number as the hexadecimal digits of its bits, by dotted name. */
export type Bits = Readonly<Record<string, string>>

const [steps, batch, inputs, outputs] = [9, 3, 5, 2]
const net = withReadout(lstm({ inputs, hidden: 7 }), { outputs })

/** The gradient of an LSTM's timeline. */
const slope = (examples: Dim = batch) =>
  valueAndGradient(unroll(net, { steps: 'T', batch: examples, loss: squaredError }).graph, {
    of: 'loss',
    by: ['params', 'carry'],
  })

/** Made of whole numbers by exact arithmetic: the same in every engine. */
const values = (): Values => ({
  params: net.init(11).params,
  carry: zeroCarry(net, batch),
  xs: noise(1, [steps, batch, inputs]),
  targets: noise(2, [steps, batch, outputs]),
})

function noise(stream: number, shape: readonly number[]): Tensor {
  const length = shape.reduce((product, size) => product * size, 1)
  return { shape, data: Float64Array.from({ length }, (_, i) => 2 * coin(5, stream, i + 1) - 1) }
}

/** Largest difference between the compiled gradient and the oracle's, over the largest value of each output. */
export function distance(engine: Engine): number {
  const found = new Map(parts(compile(slope(), engine).run(values())))
  const pairs = parts(evaluate(slope(), values())).map(
    ([name, { data }]) => [data, found.get(name)!.data] as const,
  )
  return Math.max(...pairs.map(([right, made]) => largest(right, made) / largest(right)))
}

const largest = (a: Float64Array, b?: Float64Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b === undefined ? 0 : b[i]!))), 0)

/** The bits of the compiled gradient. */
export function gradientBits(engine: Engine): Bits {
  return bits(compile(slope(), engine).run(values()))
}

/** The bits of the gradient as two threads compute it, the same in each of many runs. */
export function threadedBits(engine: Engine): Bits {
  const program = compile(slope('B'), { ...engine, threads: 2 })
  const runs = Array.from({ length: 50 }, () => bits(program.run(values())))
  const odd = runs.find(run => JSON.stringify(run) !== JSON.stringify(runs[0]))
  return odd ?? runs[0]!
}

/** Next-symbol prediction of a text that repeats: every report, and the parameters after the last. */
export function train(engine: Engine): { readonly reports: readonly Report[]; readonly params: Bits } {
  const symbols = 5
  const online = trainer({
    model: withReadout(withEmbedding(lstm({ inputs: 4, hidden: 6 }), { symbols }), { outputs: symbols }),
    loss: softmaxCrossEntropy,
    estimator: artbp({ mean: 8, tail: 4, seed: 3 }),
    optimizer: chain(clipByGlobalNorm(1), adam(0.03)),
    seed: 7,
    ...engine,
  })
  const reports: Report[] = []
  range(0, 501)
    .pipe(
      map(t => (t * t) % symbols),
      nextStep(),
      online.train(),
    )
    .subscribe(report => reports.push(report))
  return { reports, params: bits(online.snapshot().params) }
}

/** What a page is that may share memory between threads; undefined in Node. */
export function isolated(): unknown {
  return (globalThis as { readonly crossOriginIsolated?: boolean }).crossOriginIsolated
}

/** What is said where a program cannot be compiled; '' where it can. */
export function refusal(threads = 1): string {
  try {
    compile(slope('B'), { threads })
    return ''
  } catch (error) {
    if (error instanceof GraphError) return `${error.code} | ${error.message}`
    throw error
  }
}

const parts = (tree: unknown): readonly (readonly [string, Tensor])[] =>
  leaves<Tensor>(tree as Tree<Tensor>, isTensor, 'experiment')

function bits(tree: unknown): Bits {
  return Object.fromEntries(
    parts(tree).map(([name, { data }]) => [
      name,
      Array.from(new BigUint64Array(data.slice().buffer), word => word.toString(16)).join(' '),
    ]),
  )
}
