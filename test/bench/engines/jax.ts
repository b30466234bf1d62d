import type { JaxArray } from '@jax-js/jax'
import * as jax from '@jax-js/jax'
import type { Engine, Runner } from '../engine.js'
import { balancing, dataOf, oneHot, type Workload } from '../workloads.js'
import { blocksOf, type Name, names } from './params.js'

const { numpy: np, nn, tree } = jax
type Params = Record<Name, JaxArray>

/** jax-js on its WebAssembly device: the whole training step in one `jit`, unrolled over time, for it has no scan. */
export async function jaxEngine(): Promise<Engine> {
  await jax.init('wasm')
  jax.defaultDevice('wasm')
  return {
    name: 'jax',
    prepare: work => (work.cell === 'balancing' ? balancingRunner(work) : netRunner(work)),
  }
}

const array = (data: Float32Array, shape: readonly number[]): JaxArray => np.array(data).reshape([...shape])
const each = (make: (name: Name) => JaxArray): Params =>
  Object.fromEntries(names.map(name => [name, make(name)])) as Params

/** One step in time from the input's share of the gates, [B, gates]. Takes what it is given. */
type Step = (x: JaxArray, state: JaxArray[], wh: JaxArray, bh: JaxArray) => JaxArray[]

const elman: Step = (x, [h], wh, bh) => [np.tanh(np.matmul(h!, wh).add(bh).add(x))]

const lstm: Step = (x, [h, c], wh, bh) => {
  const [i, f, g, o] = np.split(np.matmul(h!, wh).add(bh).add(x), 4, 1) as [
    JaxArray,
    JaxArray,
    JaxArray,
    JaxArray,
  ]
  const memory = nn
    .sigmoid(f)
    .mul(c!)
    .add(nn.sigmoid(i).mul(np.tanh(g)))
  return [nn.sigmoid(o).mul(np.tanh(memory.ref)), memory]
}

const gru: Step = (x, [h], wh, bh) => {
  const [xr, xz, xn] = np.split(x, 3, 1) as [JaxArray, JaxArray, JaxArray]
  const [hr, hz, hn] = np.split(np.matmul(h!.ref, wh).add(bh), 3, 1) as [JaxArray, JaxArray, JaxArray]
  const z = nn.sigmoid(xz.add(hz))
  const n = np.tanh(xn.add(nn.sigmoid(xr.add(hr)).mul(hn)))
  return [n.ref.add(z.mul(h!.sub(n)))]
}

/** The loss of a window, [] : input products and readout over all steps at once. */
function lossOf(work: Workload): (params: Params, xs: JaxArray, targets: JaxArray) => JaxArray {
  const { batch, steps, hidden, outputs } = work
  const step = { elman, lstm, gru, balancing: elman }[work.cell]
  return ({ wx, wh, bx, bh, wo, bo }, xs, targets) => {
    const inputs = np.split(np.matmul(xs, wx).add(bx), steps, 0)
    let state = (work.cell === 'lstm' ? ['h', 'c'] : ['h']).map(() => np.zeros([batch, hidden]))
    const outs = inputs.map(x => {
      state = step(x, state, wh.ref, bh.ref)
      return state[0]!.ref
    })
    tree.dispose([state, wh, bh])
    const ys = np.matmul(np.concatenate(outs, 0), wo).add(bo)
    if (work.loss === 'squared')
      return np
        .square(ys.sub(targets))
        .sum()
        .mul(1 / (steps * batch * outputs))
    return nn
      .logSoftmax(ys, 1)
      .mul(targets)
      .sum()
      .mul(-1 / (steps * batch))
  }
}

function clip(gradients: JaxArray[]): JaxArray {
  const squares = gradients.map(g => np.square(g).sum()).reduce((a, b) => a.add(b))
  return np.minimum(np.reciprocal(np.sqrt(squares).add(1e-6)), 1)
}

type Slots = readonly [m: Params, v: Params]

/** Adam, PyTorch's conventions; `rate` and `scale` hold what depends on the number of updates. */
function adam(params: Params, [m, v]: Slots, g: Params, rate: JaxArray, scale: JaxArray): [Params, Slots] {
  const m2 = each(name => m[name].mul(0.9).add(g[name].ref.mul(0.1)))
  const v2 = each(name => v[name].mul(0.999).add(np.square(g[name]).mul(0.001)))
  const next = each(name => {
    const root = np.sqrt(v2[name].ref).div(scale.ref).add(1e-8)
    return params[name].add(rate.ref.mul(m2[name].ref.div(root)))
  })
  tree.dispose([rate, scale])
  return [next, [m2, v2]]
}

function netRunner(work: Workload): Runner {
  const { xs, targets } = feed(work)
  const gradient = jax.valueAndGrad(lossOf(work))
  const learn = (params: Params, xs: JaxArray, targets: JaxArray): [JaxArray, Params] => {
    const [loss, g] = gradient(tree.ref(params), xs, targets)
    const factor = clip(names.map(name => g[name].ref))
    const clipped = each(name => g[name].mul(factor.ref))
    factor.dispose()
    return [loss, clipped]
  }
  const params = Object.fromEntries(
    blocksOf(work).map(([name, { data, shape }]) => [name, array(data, shape)]),
  ) as Params
  const run = work.optimizer === 'adam' ? adamStep(work, learn, params) : sgdStep(work, learn, params)
  return {
    step: () => run.step(xs.ref, targets.ref),
    close: () => {
      run.close()
      tree.dispose([xs, targets])
    },
  }
}

type Learn = (params: Params, xs: JaxArray, targets: JaxArray) => [JaxArray, Params]

interface Stepper {
  readonly step: (xs: JaxArray, targets: JaxArray) => number
  readonly close: () => void
}

function adamStep({ rate }: Workload, learn: Learn, start: Params): Stepper {
  const zeros = (): Params => each(name => np.zeros(start[name].shape))
  let [params, slots, count]: [Params, Slots, number] = [start, [zeros(), zeros()], 0]
  const step = jax.jit(
    (p: Params, s: Slots, by: JaxArray, scale: JaxArray, xs: JaxArray, targets: JaxArray) => {
      const [loss, g] = learn(p, xs, targets)
      return [...adam(p, s, g, by, scale), loss] as [Params, Slots, JaxArray]
    },
  )
  return {
    step: (xs, targets) => {
      count++
      const by = np.array(-rate / (1 - 0.9 ** count))
      const [p, s, loss] = step(params, slots, by, np.array(Math.sqrt(1 - 0.999 ** count)), xs, targets)
      ;[params, slots] = [p, s]
      return loss.dataSync()[0]!
    },
    close: () => {
      tree.dispose([params, slots])
      step.dispose()
    },
  }
}

function sgdStep({ rate }: Workload, learn: Learn, start: Params): Stepper {
  let params = start
  const step = jax.jit((p: Params, xs: JaxArray, targets: JaxArray) => {
    const [loss, g] = learn(p, xs, targets)
    return [each(name => p[name].sub(g[name].mul(rate))), loss] as [Params, JaxArray]
  })
  return {
    step: (xs, targets) => {
      const [p, loss] = step(params, xs, targets)
      params = p
      return loss.dataSync()[0]!
    },
    close: () => {
      tree.dispose(params)
      step.dispose()
    },
  }
}

function feed(work: Workload): { readonly xs: JaxArray; readonly targets: JaxArray } {
  const { xs, targets } = dataOf(work)
  const rows = work.steps * work.batch
  const wanted = work.loss === 'squared' ? targets : oneHot(targets, work.outputs)
  return { xs: array(xs, [rows, work.inputs]), targets: array(wanted, [rows, work.outputs]) }
}

/** Ten windows of ten with an update after each, all in one `jit`. */
function balancingRunner({ hidden, rate }: Workload): Runner {
  const A = array(Float32Array.from(balancing.A(hidden).data), [hidden, hidden])
  const v = array(Float32Array.from(balancing.v(hidden).data), [hidden])
  const step = jax.jit((theta: JaxArray, A: JaxArray, v: JaxArray) => {
    let s = np.zeros([hidden])
    let total = np.array(0)
    for (let k = 0; k < balancing.windows; k++) {
      const [[loss, end], g] = windowGradient(theta.ref, s, A.ref, v.ref)
      total = total.add(loss)
      s = end
      theta = theta.sub(g.ref.mul(clip([g])).mul(rate))
    }
    tree.dispose([s, A, v])
    return [theta, total] as [JaxArray, JaxArray]
  })
  let theta = np.array(balancing.theta)
  return {
    step: () => {
      const [next, loss] = step(theta, A.ref, v.ref)
      theta = next
      return loss.dataSync()[0]!
    },
    close: () => tree.dispose([theta, A, v]),
  }
}

const windowGradient = jax.valueAndGrad(
  (theta: JaxArray, s: JaxArray, A: JaxArray, v: JaxArray): [JaxArray, JaxArray] => {
    let loss = np.array(0)
    const push = theta.mul(v)
    for (let t = 0; t < balancing.window; t++) {
      s = np.matmul(A.ref, s).add(push.ref)
      loss = loss.add(np.square(s.ref.slice(0).sub(1)).mul(0.5))
    }
    tree.dispose([push, A])
    return [loss, s]
  },
  { hasAux: true },
)
