import v8 from 'node:v8'
import { hasFma } from '../../packages/graph/src/wasm/probe.js'

/**
 * True where fused multiply-add can be compiled. Node 20 hides it: `wanted` tries its experimental switch, for this
 * process, after the probe said no.
 */
export function fmaReady(wanted: boolean): boolean {
  if (!hasFma() && wanted) v8.setFlagsFromString('--experimental-wasm-relaxed-simd')
  return hasFma()
}
