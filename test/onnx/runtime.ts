import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { filled, type Tensor } from '@bptt/graph'

/** What the tests use of onnxruntime-web, so that they are type-checked where it is not installed. */
interface OrtTensor {
  readonly dims: readonly number[]
  readonly data: Float32Array
}

interface Session {
  readonly inputNames: readonly string[]
  readonly outputNames: readonly string[]
  run(feeds: Readonly<Record<string, OrtTensor>>): Promise<Readonly<Record<string, OrtTensor>>>
  release(): Promise<void>
}

interface Ort {
  readonly env: { logLevel: string; readonly wasm: { numThreads: number } }
  readonly Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => OrtTensor
  readonly InferenceSession: {
    create(model: Uint8Array, options: { readonly executionProviders: readonly ['wasm'] }): Promise<Session>
  }
}

/** Its folder; found by its path, since only this folder's package names it. */
const home = new URL('node_modules/onnxruntime-web/', import.meta.url)
const entry = new URL('dist/ort.node.min.mjs', home)

/** True where `npm run onnxruntime` has installed it. */
export const installed: boolean = existsSync(fileURLToPath(entry))

/** The name of tests that need it. */
export const inRuntime: string = installed
  ? 'in onnxruntime-web'
  : 'in onnxruntime-web (not installed here: npm run onnxruntime)'

let loading: Promise<Ort> | undefined

async function load(): Promise<Ort> {
  const ort = (await import(/* @vite-ignore */ entry.href)) as Ort
  ort.env.wasm.numThreads = 1
  ort.env.logLevel = 'error'
  return ort
}

/** A model in onnxruntime-web, as a function of tensors by name. */
export interface Model {
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>>
}

/** Loads a model. */
export async function model(bytes: Uint8Array): Promise<Model> {
  loading ??= load()
  const ort = await loading
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] })
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    async run(feeds) {
      const given = Object.entries(feeds).map(
        ([name, { shape, data }]) =>
          [name, new ort.Tensor('float32', Float32Array.from(data), shape)] as const,
      )
      const results = await session.run(Object.fromEntries(given))
      return Object.fromEntries(
        Object.entries(results).map(([name, { dims, data }]) => [name, float64(dims, data)] as const),
      )
    },
  }
}

function float64(shape: readonly number[], data: Float32Array): Tensor {
  const out = filled(shape, 0)
  out.data.set(data)
  return out
}
