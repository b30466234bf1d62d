import { add, layerNorm, linear, mul, type Ref, type Shape, sigmoid, split, tanh } from '@bptt/graph'
import { type Cell, cell, type Sizes } from '../cell.js'
import { constant, type Initialiser, zeros } from '../initialise.js'
import { gatedInit, gatedParams } from './gated.js'

/** Sizes and settings of an LSTM. */
export interface LstmOptions extends Sizes {
  /** Start value of the forget gate's bias (that of `bias_ih`; `bias_hh` starts at 0 there); 1 keeps memory at first. */
  readonly forgetBias?: number
  /** Gates see the memory: params `peephole_i`, `peephole_f`, `peephole_o` [hidden]. */
  readonly peephole?: boolean
  /** Both products and the memory that is read are normalised: params `norm_ih`, `norm_hh` [4·hidden], `norm_c`, `bias_c` [hidden]. */
  readonly layerNorm?: boolean
}

type Params = Readonly<Record<string, Ref>>

/**
 * Long short-term memory, as PyTorch's `nn.LSTMCell`: row blocks in the order i, f, g, o.
 *
 * i, f, o = σ(…), g = tanh(…) of W_ih x + b_ih + W_hh h + b_hh; c' = f c + i g; h' = o tanh(c').
 * Carry h, c [hidden]; the output is h' [hochreiter-schmidhuber1997, gers2000].
 *
 * `peephole` adds p_i c and p_f c to the arguments of i and f, and p_o c' to that of o [gers-schmidhuber2000].
 * `layerNorm` puts N(W_ih x) norm_ih + b_ih and N(W_hh h) norm_hh + b_hh in the place of the products, N over all four
 * blocks, and h' = o tanh(N(c') norm_c + bias_c) [ba2016, Eq. 20–22, whose b is in both biases here].
 * @throws GraphError `bad-size`.
 */
export function lstm({ inputs, hidden, ...options }: LstmOptions): Cell {
  return cell({
    name: 'lstm',
    params: (sizes: Sizes) => ({ ...gatedParams(sizes, 4), ...extraParams(sizes, options) }) as Shapes,
    carry: ({ hidden }) => ({ h: [hidden], c: [hidden] }),
    init: sizes => ({ ...gatedInit(sizes), ...forgetInit(sizes, options), ...extraInit(options) }),
    step(params, { h, c }, x) {
      const [i, f, g, o] = split(gatesOf(params, h, x), { parts: 4 })
      const see = (gate: Ref, name: string, memory: Ref): Ref =>
        params[name] === undefined ? gate : add(gate, mul(params[name], memory))
      const kept = mul(sigmoid(see(f, 'peephole_f', c)), c)
      const memory = add(kept, mul(sigmoid(see(i, 'peephole_i', c)), tanh(g)))
      const next = mul(sigmoid(see(o, 'peephole_o', memory)), tanh(readOf(params, memory)))
      return [{ h: next, c: memory }, next]
    },
  })({ inputs, hidden })
}

type Shapes = Readonly<Record<string, Shape>>
type Settings = Omit<LstmOptions, keyof Sizes>

function extraParams({ hidden }: Sizes, { peephole, layerNorm }: Settings): Shapes {
  const [one, four] = [[hidden], [4 * hidden]]
  return {
    ...(peephole && { peephole_i: one, peephole_f: one, peephole_o: one }),
    ...(layerNorm && { norm_ih: four, norm_hh: four, norm_c: one, bias_c: one }),
  }
}

function extraInit({ layerNorm }: Settings): Readonly<Record<string, Initialiser>> {
  const one = constant(1)
  return layerNorm ? { norm_ih: one, norm_hh: one, norm_c: one } : {}
}

/** The biases' start values with another forget block. */
function forgetInit(sizes: Sizes, { forgetBias }: Settings): Readonly<Record<string, Initialiser>> {
  if (forgetBias === undefined) return {}
  const { hidden } = sizes
  const { bias_ih } = gatedInit(sizes)
  const inForget = (make: Initialiser): Initialiser => {
    return (shape, next) => {
      const out = bias_ih(shape, next)
      out.set(make([hidden], next), hidden)
      return out
    }
  }
  return { bias_ih: inForget(constant(forgetBias)), bias_hh: inForget(zeros()) }
}

function gatesOf(params: Params, h: Ref, x: Ref): Ref {
  const { weight_ih, weight_hh, bias_ih, bias_hh, norm_ih, norm_hh } = params as Params & Record<Product, Ref>
  if (norm_ih === undefined || norm_hh === undefined)
    return add(linear(x, weight_ih, bias_ih), linear(h, weight_hh, bias_hh))
  return add(
    layerNorm(linear(x, weight_ih), { gain: norm_ih, bias: bias_ih }),
    layerNorm(linear(h, weight_hh), { gain: norm_hh, bias: bias_hh }),
  )
}

type Product = 'weight_ih' | 'weight_hh' | 'bias_ih' | 'bias_hh'

/** What the output gate reads of the memory. */
function readOf(
  { norm_c, bias_c }: Params & { readonly norm_c?: Ref; readonly bias_c?: Ref },
  memory: Ref,
): Ref {
  return norm_c === undefined || bias_c === undefined
    ? memory
    : layerNorm(memory, { gain: norm_c, bias: bias_c })
}
