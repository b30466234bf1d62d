import { Func, WasmModule } from '../../packages/graph/src/wasm/assembler.js'

/** Independent chains: enough to hide the latency of an instruction, few enough for the registers. */
const widths = [10, 12, 13, 14]
const turns = 200_000
/** Milliseconds; other load comes in bursts, and the best counts. */
const patience = 150

/** Gigaflops a second that 128-bit multiply-adds in registers reach: fused, or a product and a sum. */
export function peakOf(fma: boolean): number {
  return Math.max(...widths.map(width => speedOf(width, fma)))
}

function speedOf(width: number, fma: boolean): number {
  const module = new WasmModule()
  module.add(multiplyAdds(width, fma), 'run')
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.build()), {
    env: { memory: new WebAssembly.Memory({ initial: 1 }) },
  })
  const run = instance.exports['run'] as (turns: number) => number
  let best = Number.POSITIVE_INFINITY
  const until = performance.now() + patience
  while (performance.now() < until) {
    const began = performance.now()
    run(turns)
    best = Math.min(best, performance.now() - began)
  }
  return (turns * width * 4 * 2) / best / 1e6
}

/** Independent chains x ← x · a + b, whose fixed point is 1. */
function multiplyAdds(width: number, fma: boolean): Func {
  const func = new Func(['i32'], ['f32'])
  func.name = 'peak'
  const chains = Array.from({ length: width }, () => func.local('v128'))
  const [a, b] = [func.local('v128'), func.local('v128')]
  func.number('f32', 0.5).splat('f32').tee(a).set(b)
  chains.forEach((chain, k) => func.number('f32', k).splat('f32').set(chain))
  func.loop(() => {
    for (const chain of chains) {
      func.get(chain).get(a)
      if (fma) func.get(b).simd(0x105)
      else func.simd(0xe6).get(b).simd(0xe4)
      func.set(chain)
    }
    func.get(0).i32(1).sub().tee(0).brIf(0)
  })
  chains.forEach((chain, k) => {
    func.get(chain)
    if (k > 0) func.simd(0xe4)
  })
  return func.extractLane('f32', 0)
}
