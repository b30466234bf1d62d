import { GraphError, type Ref, type Tensor } from '@bptt/graph'
import { type Op, op } from '@bptt/graph/op'

/** Inputs that say of every step and example whether something holds, by 1 and 0. */
const FLAGS = ['mask', 'reset'] as const
type Flag = (typeof FLAGS)[number]

const RULES = {
  mask: {
    code: 'bad-mask',
    rule: 'a mask is 0 where a step is left out, else 1',
    hint: 'weights (weighted: true) scale losses',
  },
  reset: {
    code: 'bad-reset',
    rule: 'a reset is 1 where a sequence begins, else 0',
    hint: "credit: { kind: 'input', each: true } lets a part of the credit through",
  },
} as const

/**
 * Checks masks and resets among the inputs of a timeline: all their numbers are 0 or 1.
 * @throws GraphError `bad-mask`, `bad-reset`.
 */
export function checkFlags(given: ReadonlyMap<string, Tensor>): void {
  for (const name of FLAGS) {
    const flag = given.get(name)
    if (flag !== undefined) checkFlag(name, flag)
  }
}

function checkFlag(name: Flag, { data }: Pick<Tensor, 'data'>): void {
  const at = data.findIndex(value => value !== 0 && value !== 1)
  if (at < 0) return
  const { code, rule, hint } = RULES[name]
  throw new GraphError(code, `input '${name}'`, `is ${data[at]} at place ${at}; ${rule}`, hint)
}

/** The op behind masks and resets: identity, for numbers 0 and 1; anything else throws. No derivative. */
export const zeroOrOneOp: Op<readonly ['flag'], { readonly name: Flag }> = op<
  readonly ['flag'],
  { readonly name: Flag }
>({
  name: 'zeroOrOne',
  inputs: ['flag'],
  saves: [],
  shape: ([flag]) => flag!,
  forward: ([flag], { attrs: { name } }) => {
    checkFlag(name, flag!)
    return flag!
  },
  jvp: {},
  vjp: {},
  flops: () => 0,
  integers: { flag: 2 },
  cases: [{ shapes: [[2, 3]], attrs: { name: 'mask' } }],
})

/** Inputs of a timeline among which flags may be. */
export type Flags = Readonly<Partial<Record<Flag, Ref>>>

/**
 * Inputs as they are.
 * @throws GraphError `bad-mask`, `bad-reset`, when it runs, where a number of a mask or a reset is neither 0 nor 1.
 */
export function flagsChecked<Inputs extends Flags>(given: Inputs): Inputs {
  const checked = FLAGS.flatMap(name => {
    const flag = given[name]
    return flag === undefined ? [] : [[name, zeroOrOneOp(flag, { name })] as const]
  })
  return { ...given, ...Object.fromEntries(checked) }
}
