import { add, concat, item, mul, type Ref, slice, sub, type Tensor } from '@bptt/graph'
import { adam, type Sample, squaredError, trainer } from '@bptt/stream'
import { cell, coin, every } from '@bptt/unroll'
import { from } from 'rxjs'

/** Grid cells on a ring. */
const cells = 16

/** A field that is carried along and spreads: u' = u − C (u_right − u_left) + k (u_right − 2 u + u_left) + x. C and k are learned. */
const flow = cell({
  name: 'flow',
  params: () => ({ courant: [], diffusion: [] }),
  carry: ({ cells }: { readonly cells: number }) => ({ u: [cells] }),
  input: ({ cells }) => [cells],
  step({ courant, diffusion }, { u }, x) {
    const [left, right] = [moved(u, cells - 1), moved(u, 1)]
    const moving = mul(courant, sub(right, left))
    const spreading = mul(diffusion, add(sub(right, mul(2, u)), left))
    const next = add(add(sub(u, moving), spreading), x)
    return [{ u: next }, next]
  },
})

/** Element i is that of i + by, around the end. */
function moved(u: Ref, by: number): Ref {
  const axis = u.shape.length - 1
  const tail = slice(u, { axis, start: by, size: cells - by })
  return concat([tail, slice(u, { axis, start: 0, size: by })], { axis })
}

/** A flow with C = 0.2 and k = 0.1 that is stirred at random, as it is measured: with noise. */
function* measured(count: number): Generator<Sample> {
  let u = new Array<number>(cells).fill(0)
  for (let t = 1; t <= count; t++) {
    const stir = u.map((_, i) => 0.2 * (coin(1, i, t) - 0.5))
    const at = (i: number): number => u[(i + cells) % cells]!
    u = u.map(
      (own, i) => own - 0.2 * (at(i + 1) - at(i - 1)) + 0.1 * (at(i + 1) - 2 * own + at(i - 1)) + stir[i]!,
    )
    yield { input: stir, target: u.map((own, i) => own + 0.02 * (coin(2, i, t) - 0.5)) }
  }
}

/** C and k, learned online from the measurements alone. */
export function identifyFlow(): { readonly courant: number; readonly diffusion: number } {
  const online = trainer({
    model: flow({ cells }),
    loss: squaredError,
    estimator: every(20), // an error of C or k grows over time: credit goes back through the flow
    optimizer: adam(2e-3),
    flavour: 'portable',
  })
  from(measured(10_000)).pipe(online.train()).subscribe()
  const { courant, diffusion } = online.snapshot().params as { courant: Tensor; diffusion: Tensor }
  return { courant: item(courant), diffusion: item(diffusion) }
}
