import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { node } from './child.mjs'
import { packages, root } from './paths.mjs'
import { stamp, stamped, times } from './stamp.mjs'

export const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')

/** Compiles the packages, unless nothing changed since the last time. Answers an exit code. */
export async function build() {
  const state = times(sources())
  if (fresh(state)) return 0
  console.error('building …')
  const code = await node([tsc, '-b'], { stdio: ['ignore', 2, 2] })
  if (code === 0) {
    packages().forEach(sweep)
    const { makeDense } = await import('./dense.mjs') // it loads the compiler, which a fresh build spares
    packages().forEach(name => makeDense(scripts(name)))
    stamp('build', state)
  }
  if (code !== 0 && code !== 130) console.error('bptt could not be built: the lines above say where.')
  return code
}

/** True where every package is built, from the sources as they are now. */
export function fresh(state = times(sources())) {
  return stamped('build', state) && packages().every(built)
}

/** Removes what was built of sources that are gone: it would be published. */
function sweep(name) {
  const [dist, src] = ['dist', 'src'].map(part => join(root, 'packages', name, part))
  for (const file of files(dist)) {
    const source = file.replace(dist, src).replace(/(\.d\.ts|\.js)(\.map)?$/, '.ts')
    if (!existsSync(source) && !file.endsWith('.tsbuildinfo')) rmSync(file)
  }
}

const scripts = name => files(join(root, 'packages', name, 'dist')).filter(file => file.endsWith('.js'))

function built(name) {
  return existsSync(join(root, 'packages', name, 'dist', '.tsbuildinfo'))
}

function sources() {
  const makers = [
    'tsconfig.base.json',
    'tsconfig.json',
    'pnpm-lock.yaml',
    '.house/build.mjs',
    '.house/dense.mjs',
  ]
  return [
    ...makers.map(file => join(root, file)),
    ...packages().flatMap(name => [...files(join(root, 'packages', name, 'src')), ...own(name)]),
  ]
}

function own(name) {
  return ['package.json', 'tsconfig.json'].map(file => join(root, 'packages', name, file))
}

function files(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap(entry => (entry.isDirectory() ? files(join(folder, entry.name)) : [join(folder, entry.name)]))
    .sort()
}
