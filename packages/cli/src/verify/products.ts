import { type Graph, gradient, mul, type Ref, sum, type Tensor, tangent } from '@bptt/graph'
import { unroll } from '@bptt/unroll'
import { needTargets, overBatch } from './base.js'
import { type Case, gradsAt, paramGradsAt, valuesOf } from './case.js'
import { compare, type Finding, type Named, type Pair, pairUp } from './compare.js'
import { bad, field, items, optional, type Spot, tensorAt, textAt } from './read.js'
import { by, forms, lineOf, renamed, run } from './run.js'

type Check = (of: Case, at: Spot, form: 'folded' | 'flat', products: Spot) => readonly Pair[]

const checks: Readonly<Record<string, readonly [entry: string, check: Check]>> = {
  jvp_params_step_losses: [
    'jvp params → step losses',
    (of, at, form, all) => jvpLosses(of, at, form, all, ['params']),
  ],
  jvp_params_outputs: ['jvp params → outputs', jvpOutputs],
  jvp_all_step_losses: ['jvp all → step losses', (of, at, form, all) => jvpLosses(of, at, form, all, by)],
  vjp_step_losses_params: ['vjp step losses → params', vjpLosses],
  vjp_outputs_params: ['vjp outputs → params', vjpOutputs],
  hvp_params: ['hvp params', hvpParams],
  hvp_all: ['hvp all', hvpAll],
  hessian_params: ['hessian params', hessian],
}

/** Jacobian-vector, vector-Jacobian and Hessian-vector products, and the full Hessian, in both forms. */
export function checkProducts(of: Case): readonly Finding[] {
  const products = optional(of.spot, 'products')
  if (products === undefined) return []
  needTargets(of, 'products')
  return Object.entries(checks).flatMap(([key, [entry, check]]) => {
    const at = optional(products, key)
    if (at === undefined) return []
    const pairs = forms.flatMap(form =>
      check(of, at, form, products).map(pair => ({ ...pair, name: `${form}: ${pair.name}` })),
    )
    return [compare(of.name, entry, pairs)]
  })
}

/** The tangents `v` as inputs of a tangent graph along these inputs. */
function tangentsAt(of: Case, products: Spot, along: readonly string[]): Named {
  const given = gradsAt(field(products, 'v'), of)
  const found = [...of.model.names]
    .filter(([ours]) => along.some(name => ours === name || ours.startsWith(`${name}.`)))
    .map(([ours, theirs]) => {
      const v = given.get(theirs)
      if (v === undefined)
        throw bad(field(products, 'v'), 'it must have a tangent for every input', `without ${theirs}`)
      return [`tangent.${ours}`, v] as const
    })
  return new Map(found)
}

function pushed(of: Case, graph: Graph, products: Spot, along: readonly string[]): Named {
  return run(tangent(graph, { by: along }), valuesOf(of, tangentsAt(of, products, along)))
}

function jvpLosses(
  of: Case,
  at: Spot,
  form: 'folded' | 'flat',
  products: Spot,
  along: readonly string[],
): readonly Pair[] {
  const got = pushed(of, lineOf(of, { form }).graph, products, along).get('tangent.losses')!
  return [{ name: 'step_losses', got: overBatch(got), expected: tensorAt(at, [of.steps]) }]
}

function jvpOutputs(of: Case, at: Spot, form: 'folded' | 'flat', products: Spot): readonly Pair[] {
  const got = pushed(of, lineOf(of, { form }).graph, products, ['params']).get('tangent.ys')!
  return [{ name: 'outputs', got, expected: tensorAt(at, got.shape) }]
}

/** The gradient of <u, losses>: u are weights of the losses. */
function vjpLosses(of: Case, at: Spot, form: 'folded' | 'flat', products: Spot): readonly Pair[] {
  const u = tensorAt(field(products, 'u_step_losses'), [of.steps])
  const data = Float64Array.from({ length: of.steps * of.batch }, (_, i) => u.data[Math.floor(i / of.batch)]!)
  const graph = gradient(lineOf(of, { form }).graph, { of: 'loss', by: ['params'] })
  const got = run(graph, valuesOf(of, new Map([['weights', { shape: [of.steps, of.batch], data }]])))
  return pairUp('', renamed(of, got, ''), paramGradsAt(at, of))
}

/** The gradient of <u, outputs>: the inner product is a loss with u as targets. */
function vjpOutputs(of: Case, at: Spot, form: 'folded' | 'flat', products: Spot): readonly Pair[] {
  const { model, steps, batch, values } = of
  const inner = (y: Ref, u: Ref): Ref => sum(mul(y, u), { axis: -1 })
  const line = unroll(model.cell, { steps, batch, loss: inner, form, resets: values.has('reset') })
  const u = tensorAt(field(products, 'u_outputs'), [
    steps,
    batch,
    ...(model.cell.output as readonly number[]),
  ])
  const { weights: _, ...given } = valuesOf(of, new Map([['targets', u]]))
  const got = run(gradient(line.graph, { of: 'loss', by: ['params'] }), given)
  return pairUp('', renamed(of, got, ''), paramGradsAt(at, of))
}

const slopes = (of: Case, form: 'folded' | 'flat', along: readonly string[]): Graph =>
  gradient(lineOf(of, { form }).graph, { of: 'loss', by: along })

function hvpParams(of: Case, at: Spot, form: 'folded' | 'flat', products: Spot): readonly Pair[] {
  const got = pushed(of, slopes(of, form, ['params']), products, ['params'])
  return pairUp('', renamed(of, got, 'tangent.'), paramGradsAt(at, of))
}

function hvpAll(of: Case, at: Spot, form: 'folded' | 'flat', products: Spot): readonly Pair[] {
  const got = pushed(of, slopes(of, form, by), products, by)
  return pairUp('', renamed(of, got, 'tangent.'), gradsAt(at, of))
}

/** The Hessian column by column: the tangent of the gradient along every unit vector. */
function hessian(of: Case, at: Spot, form: 'folded' | 'flat', products: Spot): readonly Pair[] {
  const order = orderAt(of, products)
  const graph = tangent(slopes(of, form, ['params']), { by: ['params'] })
  const size = order.reduce((total, [, { data }]) => total + data.length, 0)
  const expected = tensorAt(at, [size, size])
  const got = new Float64Array(size * size)
  for (let column = 0; column < size; column++) {
    const results = run(graph, valuesOf(of, unit(order, column)))
    const values = order.flatMap(([name]) => [...results.get(`tangent.${name}`)!.data])
    values.forEach((value, row) => (got[row * size + column] = value))
  }
  return [{ name: 'hessian', got: { shape: expected.shape, data: got }, expected }]
}

/** Our parameters in the order of the rows of the Hessian. */
function orderAt(
  { model, values }: Case,
  products: Spot,
): readonly (readonly [name: string, value: Tensor])[] {
  const ours = new Map([...model.names].map(([name, theirs]) => [theirs, name]))
  return items(field(products, 'hessian_param_order')).map(spot => {
    const name = ours.get(`params.${textAt(spot)}`)
    if (name === undefined) throw bad(spot, 'it must be a parameter', `'${textAt(spot)}'`)
    return [name, values.get(name)!] as const
  })
}

function unit(order: readonly (readonly [string, Tensor])[], column: number): Named {
  let start = 0
  return new Map(
    order.map(([name, { shape, data }]) => {
      const at = column - start
      start += data.length
      return [`tangent.${name}`, { shape, data: data.map((_, i) => (i === at ? 1 : 0)) }] as const
    }),
  )
}
