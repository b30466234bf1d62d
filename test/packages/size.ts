import { gzipSync } from 'node:zlib'
import { build, type Rolldown } from 'vite'

/** What a part of a browser bundle weighs before it is minified, in bytes. */
interface Weight {
  readonly part: string
  readonly bytes: number
}

/** The weight of a browser bundle: minified, gzipped, and by part. */
export interface Size {
  readonly minified: number
  readonly gzipped: number
  readonly parts: readonly Weight[]
}

/** Bundles the program `entry` for browsers with Vite, tree-shaken and without rxjs, and weighs it. */
export async function bundleSize(root: string, entry: string): Promise<Size> {
  const output = await build({
    root,
    configFile: false,
    logLevel: 'silent',
    build: {
      write: false,
      modulePreload: false,
      rolldownOptions: { input: entry, external: /^rxjs/ },
    },
  })
  const chunks = [output].flat().flatMap(one => ('output' in one ? one.output : []))
  const code = chunks.filter(one => one.type === 'chunk')
  const text = code.map(one => one.code).join('')
  return {
    minified: Buffer.byteLength(text),
    gzipped: gzipSync(text, { level: 9 }).length,
    parts: weights(code.map(one => one.modules)),
  }
}

/** Per folder of a package: the code that is left of its modules, heaviest first. */
function weights(chunks: readonly Rolldown.OutputChunk['modules'][]): Weight[] {
  const sums = new Map<string, number>()
  for (const modules of chunks)
    for (const [path, { code }] of Object.entries(modules)) {
      const part = partOf(path)
      sums.set(part, (sums.get(part) ?? 0) + (code?.length ?? 0))
    }
  return [...sums].map(([part, bytes]) => ({ part, bytes })).sort((a, b) => b.bytes - a.bytes)
}

/** `graph/wasm` of `…/@bptt/graph/dist/wasm/emit.js`. */
function partOf(path: string): string {
  return /@bptt\/(\w+\/)dist\/(\w+)/.exec(path)?.slice(1, 3).join('') ?? 'the program'
}
