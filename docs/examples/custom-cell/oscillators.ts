import { add, linear, mul, softplus, sub, tanh } from '@bptt/graph'
import { cell, uniform, zeros } from '@bptt/unroll'

/** Length of a time step. */
export const dt = 0.5

/**
 * Driven oscillators, each with a stiffness and a damping of its own, coupled by what drives them [rusch-mishra2021]:
 * z' = z + dt (tanh(W y + V u + b) − γ y − ε z), y' = y + dt z', with γ = softplus(stiffness), ε = softplus(damping).
 */
export const oscillators = cell({
  name: 'oscillators',
  params: ({ inputs, hidden }) => ({
    W: [hidden, hidden],
    V: [hidden, inputs],
    b: [hidden],
    stiffness: [hidden],
    damping: [hidden],
  }),
  carry: ({ hidden }) => ({ y: [hidden], z: [hidden] }),
  init: () => ({ b: zeros(), stiffness: uniform(3), damping: uniform(1) }),
  step({ W, V, b, stiffness, damping }, { y, z }, u) {
    const drive = tanh(add(linear(y, W, b), linear(u, V)))
    const pull = add(mul(softplus(stiffness), y), mul(softplus(damping), z))
    const speed = add(z, mul(dt, sub(drive, pull)))
    const place = add(y, mul(dt, speed))
    return [{ y: place, z: speed }, place]
  },
})
