import { createRequire } from 'node:module'
import type { TfTensor, TfVariable } from '@tensorflow/tfjs'
import type { Engine, Runner } from '../engine.js'
import { balancing, dataOf, oneHot, type Workload } from '../workloads.js'
import { blocksOf, type Name } from './params.js'

// its builds for Node are CommonJS, and both must find the same core
const require = createRequire(import.meta.url)
const tf: typeof import('@tensorflow/tfjs') = require('@tensorflow/tfjs')
require('@tensorflow/tfjs-backend-wasm')

type Params = Readonly<Record<Name, TfVariable>>

/** TensorFlow.js on its WebAssembly backend, SIMD, one thread: eager, `variableGrads` in `tidy`. */
export async function tfjsEngine(): Promise<Engine> {
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false)
  if (!(await tf.setBackend('wasm'))) throw new Error('TensorFlow.js could not start its wasm backend')
  await tf.ready()
  return {
    name: 'tfjs',
    prepare: work => (work.cell === 'balancing' ? balancingRunner(work) : netRunner(work)),
  }
}

type Step = (x: TfTensor, state: readonly TfTensor[], wh: TfTensor, bh: TfTensor) => readonly TfTensor[]
type Three = [TfTensor, TfTensor, TfTensor]

const elman: Step = (x, [h], wh, bh) => [tf.tanh(tf.add(tf.add(tf.matMul(h!, wh), bh), x))]

const lstm: Step = (x, [h, c], wh, bh) => {
  const gates = tf.add(tf.add(tf.matMul(h!, wh), bh), x)
  const [i, f, g, o] = tf.split(gates, 4, 1) as [TfTensor, ...Three]
  const memory = tf.add(tf.mul(tf.sigmoid(f), c!), tf.mul(tf.sigmoid(i), tf.tanh(g)))
  return [tf.mul(tf.sigmoid(o), tf.tanh(memory)), memory]
}

const gru: Step = (x, [h], wh, bh) => {
  const [xr, xz, xn] = tf.split(x, 3, 1) as Three
  const [hr, hz, hn] = tf.split(tf.add(tf.matMul(h!, wh), bh), 3, 1) as Three
  const z = tf.sigmoid(tf.add(xz, hz))
  const n = tf.tanh(tf.add(xn, tf.mul(tf.sigmoid(tf.add(xr, hr)), hn)))
  return [tf.add(n, tf.mul(z, tf.sub(h!, n)))]
}

function lossOf(
  work: Workload,
  { wx, wh, bx, bh, wo, bo }: Params,
  xs: TfTensor,
  targets: TfTensor,
): TfTensor {
  const { batch, steps, hidden, outputs } = work
  const step = { elman, lstm, gru, balancing: elman }[work.cell]
  let state: readonly TfTensor[] = [tf.zeros([batch, hidden]), tf.zeros([batch, hidden])]
  const outs = tf.split(tf.add(tf.matMul(xs, wx), bx), steps, 0).map(x => {
    state = step(x, state, wh, bh)
    return state[0]!
  })
  const ys = tf.add(tf.matMul(tf.concat(outs, 0), wo), bo)
  if (work.loss === 'squared')
    return tf.mul(tf.sum(tf.square(tf.sub(ys, targets))), 1 / (steps * batch * outputs))
  return tf.mul(tf.sum(tf.mul(tf.logSoftmax(ys), targets)), -1 / (steps * batch))
}

function clip(gradients: readonly TfTensor[]): TfTensor {
  const norm = tf.sqrt(tf.addN(gradients.map(g => tf.sum(tf.square(g)))))
  return tf.minimum(tf.div(1, tf.add(norm, 1e-6)), 1)
}

/** Changes a parameter by its gradient at update number `count`, from 1. */
type Update = (gradient: TfTensor, count: number) => void

function updateOf(
  { optimizer, rate }: Workload,
  p: TfVariable,
): { readonly apply: Update; readonly slots: TfVariable[] } {
  if (optimizer === 'sgd') return { apply: g => p.assign(tf.sub(p, tf.mul(g, rate))), slots: [] }
  const [m, v] = [tf.variable(tf.zerosLike(p)), tf.variable(tf.zerosLike(p))]
  const apply: Update = (g, count) => {
    m.assign(tf.add(tf.mul(m, 0.9), tf.mul(g, 0.1)))
    v.assign(tf.add(tf.mul(v, 0.999), tf.mul(tf.square(g), 0.001)))
    const root = tf.add(tf.div(tf.sqrt(v), Math.sqrt(1 - 0.999 ** count)), 1e-8)
    p.assign(tf.add(p, tf.mul(tf.div(m, root), -rate / (1 - 0.9 ** count))))
  }
  return { apply, slots: [m, v] }
}

function netRunner(work: Workload): Runner {
  const made = dataOf(work)
  const rows = work.steps * work.batch
  const wanted = work.loss === 'squared' ? made.targets : oneHot(made.targets, work.outputs)
  const [xs, targets] = [tf.tensor(made.xs, [rows, work.inputs]), tf.tensor(wanted, [rows, work.outputs])]
  const params = Object.fromEntries(
    blocksOf(work).map(([name, { data, shape }]) => [name, tf.variable(tf.tensor(data, shape))]),
  ) as Params
  const list = Object.values(params)
  const updates = list.map(p => updateOf(work, p))
  let count = 0
  const learn = (): TfTensor => {
    const { value, grads } = tf.variableGrads(() => lossOf(work, params, xs, targets), list)
    const found = list.map(({ name }) => grads[name]!)
    const factor = clip(found)
    updates.forEach(({ apply }, k) => apply(tf.mul(found[k]!, factor), count))
    return value
  }
  return {
    step: () => {
      count++
      return read(tf.tidy(learn))
    },
    close: () => {
      for (const value of [xs, targets, ...list, ...updates.flatMap(({ slots }) => slots)]) value.dispose()
    },
  }
}

function read(loss: TfTensor): number {
  const [value] = loss.dataSync()
  loss.dispose()
  return value!
}

function balancingRunner({ hidden, rate }: Workload): Runner {
  const A = tf.tensor(Float32Array.from(balancing.A(hidden).data), [hidden, hidden])
  const v = tf.tensor(Float32Array.from(balancing.v(hidden).data), [hidden, 1])
  const theta = tf.variable(tf.scalar(balancing.theta))
  const learn = (): TfTensor => {
    let s = tf.zeros([hidden, 1])
    const losses: TfTensor[] = []
    for (let k = 0; k < balancing.windows; k++) {
      let end = s
      const { value, grads } = tf.variableGrads(() => {
        const [loss, last] = windowOf(theta, s, A, v)
        end = tf.keep(last)
        return loss
      }, [theta])
      const g = grads[theta.name]!
      theta.assign(tf.sub(theta, tf.mul(tf.mul(g, clip([g])), rate)))
      if (k > 0) s.dispose()
      s = end
      losses.push(value)
    }
    s.dispose()
    return tf.addN(losses)
  }
  return {
    step: () => read(tf.tidy(learn)),
    close: () => {
      for (const value of [A, v, theta]) value.dispose()
    },
  }
}

function windowOf(theta: TfTensor, s: TfTensor, A: TfTensor, v: TfTensor): readonly [TfTensor, TfTensor] {
  const push = tf.mul(theta, v)
  const losses: TfTensor[] = []
  for (let t = 0; t < balancing.window; t++) {
    s = tf.add(tf.matMul(A, s), push)
    losses.push(tf.mul(tf.square(tf.sub(tf.sum(tf.slice(s, [0, 0], [1, 1])), 1)), 0.5))
  }
  return [tf.addN(losses), s]
}
