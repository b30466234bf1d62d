import { posix } from 'node:path'
import typescript from 'typescript'
import { packageOf, place, type Source } from './source.js'

/** Packages outside this repository and `@bptt` packages that the sources of each package may import. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  graph: ['immer'],
  unroll: ['@bptt/graph', 'immer'],
  stream: ['@bptt/graph', '@bptt/unroll', 'immer', 'rxjs'],
  cli: [
    '@bptt/graph',
    '@bptt/stream',
    '@bptt/unroll',
    'commander',
    'jiti',
    'log-update',
    'picocolors',
    'rxjs',
    'uplot',
  ],
}

/** What a file imports or re-exports, types included, each with its place. */
function imports(source: Source): { specifier: string; at: string }[] {
  return typescript
    .preProcessFile(source.tree.text, true, true)
    .importedFiles.map(({ fileName, pos }) => ({ specifier: fileName, at: place(source, pos) }))
}

/** One sentence for each import that its package may not have. */
export function forbiddenImports(sources: readonly Source[]): string[] {
  return sources.flatMap(source =>
    imports(source).flatMap(({ specifier, at }) => {
      const complaint = complain(source.path, specifier)
      return complaint === '' ? [] : [`${at} imports '${specifier}': ${complaint}`]
    }),
  )
}

/** The import cycles between files, each spelled `a.ts → b.ts → a.ts`, the shortest through each file. */
export function importCycles(sources: readonly Source[]): string[] {
  const paths = new Set(sources.map(({ path }) => path))
  const edges = new Map(
    sources.map(source => [source.path, targets(source).filter(path => paths.has(path))] as const),
  )
  const cycles = [...edges.keys()].flatMap(path => {
    const cycle = shortestCycle(edges, path)
    return cycle ? [fromSmallest(cycle).join(' → ')] : []
  })
  return [...new Set(cycles)]
}

function complain(path: string, specifier: string): string {
  const name = packageOf(path)
  if (specifier.startsWith('.')) {
    const inside = resolved(path, specifier).startsWith(`packages/${name}/src/`)
    return inside ? '' : 'a relative import stays inside the sources of its package'
  }
  if (specifier.startsWith('node:')) {
    const free = name === 'cli' || path.includes('/src/node/')
    return free ? '' : 'only the cli and files under src/node/ know Node'
  }
  const wanted = specifier.startsWith('@')
    ? specifier.split('/').slice(0, 2).join('/')
    : specifier.split('/')[0]!
  if (wanted === 'fast-check') {
    const law = /\/src\/laws(\/|\.ts$)/.test(path)
    return law ? '' : 'only the laws use fast-check'
  }
  return allowed[name]?.includes(wanted) ? '' : `${name} may import ${allowed[name]?.join(', ') ?? 'nothing'}`
}

function targets(source: Source): string[] {
  return imports(source)
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ specifier }) => resolved(source.path, specifier))
}

function resolved(path: string, specifier: string): string {
  return posix.join(posix.dirname(path), specifier.replace(/\.js$/, '.ts'))
}

/** Breadth first from a file's imports back to the file itself. */
function shortestCycle(edges: ReadonlyMap<string, readonly string[]>, start: string): string[] | undefined {
  const queue = [[start]]
  const seen = new Set<string>()
  for (const route of queue) {
    for (const next of edges.get(route.at(-1)!) ?? []) {
      if (next === start) return [...route, start]
      if (!seen.has(next)) queue.push([...route, next])
      seen.add(next)
    }
  }
  return undefined
}

function fromSmallest(cycle: readonly string[]): string[] {
  const ring = cycle.slice(1)
  const first = ring.indexOf([...ring].sort()[0]!)
  return [...ring.slice(first), ...ring.slice(0, first), ring[first]!]
}
