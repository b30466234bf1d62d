import { readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const packages = readdirSync(at('packages'))

interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, { readonly default: string } | string>>
}

/** The doors of a package as its package.json names them, each led to its source: tests need no build. */
function doors(folder: string): { find: RegExp; replacement: string }[] {
  const manifest: Manifest = JSON.parse(readFileSync(at(`packages/${folder}/package.json`), 'utf8'))
  return Object.entries(manifest.exports).flatMap(([door, target]) => {
    if (typeof target === 'string') return []
    const source = target.default.replace('./dist/', 'src/').replace(/\.js$/, '.ts')
    return {
      find: new RegExp(`^${manifest.name}${door.slice(1)}$`),
      replacement: at(`packages/${folder}/${source}`),
    }
  })
}

/** Packages of pure functions: their test files share a worker's modules, which halves the time they take. */
const pure = ['graph', 'unroll']
/** Tests that measure their thread's memory have it to themselves. */
const measuring = 'test/**/*-memory.test.ts'

export default defineConfig({
  resolve: { alias: packages.flatMap(doors) },
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'threads',
    // vitest leaves one core idle, which is half of a machine with two.
    maxWorkers: availableParallelism(),
    passWithNoTests: true,
    reporters: ['default', at('.house/reporter.mjs')],
    projects: [
      ...packages.map(name => ({
        extends: true as const,
        test: {
          name,
          root: at(`packages/${name}`),
          include: ['test/**/*.test.ts'],
          exclude: [measuring],
          isolate: !pure.includes(name),
        },
      })),
      {
        extends: true as const,
        test: { name: 'memory', root: at('.'), include: [`packages/*/${measuring}`] },
      },
      { extends: true as const, test: { name: 'house', root: at('.'), include: ['test/**/*.test.ts'] } },
    ],
  },
})
