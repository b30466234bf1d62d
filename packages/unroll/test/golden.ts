import { readFileSync } from 'node:fs'
import { halfSquaredError, type Loss, softmaxCrossEntropy, type Tensor } from '@bptt/graph'
import { type Cell, elman, gru, linearNet, lstm, stack, withReadout } from '../src/index.js'

interface Layer {
  readonly type: 'linear' | 'elman' | 'gru' | 'lstm'
  readonly input: number
  readonly hidden: number
}

type Named = Readonly<Record<string, Flat>>

interface Flat {
  readonly shape: readonly number[]
  readonly data: readonly number[]
}

/** A case of the reference files, as it stands there. */
export interface Case {
  readonly name: string
  readonly config: {
    readonly layers: readonly Layer[]
    readonly output: number
    readonly T: number
    readonly B: number
    readonly loss: string
    readonly reduction: string
  }
  readonly params: Named
  readonly initial_carry: Named
  readonly inputs: Flat
  readonly targets: Flat
  readonly reset?: Flat
  readonly step_losses: Flat
  readonly lags?: { readonly norms: readonly (readonly number[])[] }
  readonly truncations?: readonly {
    readonly kind: string
    readonly h?: number
    readonly hp?: number
    readonly windows?: readonly { readonly start: number; readonly end: number; readonly loss_from: number }[]
    readonly grads: { readonly params: Named; readonly initial_carry: Named; readonly inputs: Flat }
  }[]
}

/** The cases of a reference file. */
export function goldenCases(file: string): readonly Case[] {
  const text = readFileSync(new URL(`../../../test/golden/${file}`, import.meta.url), 'utf8')
  return (JSON.parse(text) as { cases: readonly Case[] }).cases
}

const makers = { elman, gru, lstm }

/** The cell of a case. */
export function cellOf({ config: { layers, output } }: Case): Cell {
  const [first] = layers
  if (first!.type === 'linear')
    return linearNet({ inputs: first!.input, hidden: first!.hidden, outputs: output })
  const made = layers.map(({ type, input, hidden }) =>
    makers[type as 'elman' | 'gru' | 'lstm']({ inputs: input, hidden }),
  )
  return withReadout(made.length === 1 ? made[0]! : stack(made), { outputs: output })
}

/** The loss of a case. */
export const lossOf = ({ config }: Case): Loss =>
  config.loss === 'softmax_cross_entropy' ? softmaxCrossEntropy : (halfSquaredError as Loss)

/** A tensor as it is used here. */
const tensorOf = ({ shape, data }: Flat): Tensor => ({ shape, data: Float64Array.from(data) })

/** The name of a parameter or carry here, of one layer. */
export const nameOf = (name: string): string => name.replace(/_l0$/, '')

/** Inputs of a timeline, by dotted name. */
export function valuesOf(of: Case): Readonly<Record<string, Tensor>> {
  const named = (prefix: string, found: Named): [string, Tensor][] =>
    Object.entries(found).map(([name, value]) => [`${prefix}.${nameOf(name)}`, tensorOf(value)])
  return {
    ...Object.fromEntries([...named('params', of.params), ...named('carry', of.initial_carry)]),
    xs: tensorOf(of.inputs),
    targets: tensorOf(of.targets),
    ...(of.reset && { reset: tensorOf(of.reset) }),
  }
}
