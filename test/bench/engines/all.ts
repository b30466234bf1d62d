import type { Engine } from '../engine.js'

export { ours } from './ours.js'

/** jax-js, loaded when it is asked for. */
export async function jaxEngine(): Promise<Engine> {
  return (await import('./jax.js')).jaxEngine()
}

/** TensorFlow.js, loaded when it is asked for. */
export async function tfjsEngine(): Promise<Engine> {
  return (await import('./tfjs.js')).tfjsEngine()
}
