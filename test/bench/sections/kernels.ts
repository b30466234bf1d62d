import { WasmModule } from '../../../packages/graph/src/wasm/assembler.js'
import { packedSize, packKernel } from '../../../packages/graph/src/wasm/kernels/pack.js'
import { tileKernel } from '../../../packages/graph/src/wasm/kernels/tile.js'
import { type Context, peakIn } from '../context.js'
import { peakOf } from '../peak.js'
import { median, quantile } from '../statistics.js'
import type { Finding } from '../table.js'

interface Product {
  readonly M: number
  readonly K: number
  readonly N: number
}

/** Turns of the peak and the product: the clock of a busy machine changes, and both are to have its best. */
const turns = 10

const products: readonly Product[] = [
  { M: 64, K: 512, N: 2048 },
  { M: 32, K: 256, N: 1024 },
]

/** The packed product alone, and with the packing of its second factor. */
export function kernels(context: Context): boolean {
  const findings = context.flavours.flatMap(flavour =>
    products.map((product): Finding => {
      const { times, packing, peaks } = timesOf(product, flavour === 'fast')
      const peak = Math.max(peakIn(context, flavour), ...peaks)
      const flops = 2 * product.M * product.K * product.N
      const gflops = flops / quantile(times, 0) / 1e6
      return {
        product: `${product.M}x${product.K}x${product.N}`,
        flavour,
        gflops,
        median_gflops: flops / median(times) / 1e6,
        peak_gflops: peak,
        peak_share: gflops / peak,
        packing_ms: median(packing),
      }
    }),
  )
  context.reporter.report('kernels', 'Packed product, best of many', findings)
  return true
}

interface Times {
  /** Milliseconds of each product, and of each packing. */
  readonly times: readonly number[]
  readonly packing: readonly number[]
  /** GFLOP/s of the peak in every turn. */
  readonly peaks: readonly number[]
}

function timesOf({ M, K, N }: Product, fma: boolean): Times {
  const module = new WasmModule()
  module.add(tileKernel({ type: 'f32', fma, N, ldc: N, accumulate: false, am: K, ak: 1 }).emit(), 'tile')
  module.add(packKernel({ type: 'f32', N, bk: N, bn: 1, width: 8 }).emit(), 'pack')
  const [a, b, packed] = [1024, 1024 + 4 * M * K, 1024 + 4 * (M * K + K * N)]
  const c = packed + 4 * packedSize(K, N, 8)
  const memory = new WebAssembly.Memory({ initial: Math.ceil((c + 4 * M * N) / 65_536) })
  new Float32Array(memory.buffer, a, M * K + K * N).fill(0.01)
  const compiled = new WebAssembly.Module(module.build())
  const { tile, pack } = new WebAssembly.Instance(compiled, { env: { memory } }).exports as unknown as {
    readonly tile: (a: number, b: number, c: number, rows: number, sum: number) => void
    readonly pack: (b: number, out: number, sum: number) => void
  }
  const packing = timed(20, () => pack(b, packed, K))
  const peaks: number[] = []
  const times = Array.from({ length: turns }, () => {
    peaks.push(peakOf(fma))
    return timed(20, () => tile(a, packed, c, M, K))
  }).flat()
  return { times, packing, peaks }
}

/** Milliseconds of each of so many runs, after a fifth of them as a warm-up. */
function timed(count: number, run: () => void): number[] {
  for (let i = 0; i < count / 5; i++) run()
  return Array.from({ length: count }, () => {
    const began = performance.now()
    run()
    return performance.now() - began
  })
}
