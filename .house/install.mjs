import { existsSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { packages, root } from './paths.mjs'
import { log, pnpm } from './pnpm.mjs'
import { contents, stamp, stamped } from './stamp.mjs'

/** Brings node_modules to what the lockfile says, unless it is there already. Answers an exit code. */
export async function install() {
  const state = contents(manifests())
  if (stamped('install', state)) return 0
  console.error('installing dependencies (once) …')
  const code = await pnpm(['install', '--frozen-lockfile'])
  if (code === 0) stamp('install', state)
  else if (code !== 130) console.error(failure(readFileSync(log, 'utf8')))
  return code === 0 ? 0 : 1
}

/** What one part of the tests needs and nothing else does, by its folder in test/. */
const parts = {
  bench: 'what the benchmark compares with (once, 300 MB)',
  onnx: 'onnxruntime-web, in which tests run exported models (once, 150 MB)',
}

/** The same for such a part: in its folder, with a lockfile of its own. */
export async function installPart(name) {
  const folder = join(root, 'test', name)
  const state = contents(
    ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json'].map(file => join(folder, file)),
  )
  if (existsSync(join(folder, 'node_modules')) && stamped(name, state)) return 0
  console.error(`installing ${parts[name]} …`)
  const code = await pnpm(['--dir', folder, 'install', '--frozen-lockfile', '--ignore-scripts'])
  if (code === 0) stamp(name, state)
  else if (code !== 130) console.error(failure(readFileSync(log, 'utf8')))
  return code === 0 ? 0 : 1
}

/** One sentence for what went wrong, from the installer's own output. */
export function failure(output) {
  const cause = causes.find(({ sign }) => sign.test(output))?.says ?? 'the installer stopped with an error'
  return `bptt could not install its dependencies: ${cause} (the installer's own words are in ${relative(root, log)}).`
}

const causes = [
  {
    sign: /OUTDATED_LOCKFILE|Cannot install with "frozen-lockfile"/,
    says: 'pnpm-lock.yaml does not fit the package.json files, so run `npx pnpm install` and commit the new lockfile',
  },
  { sign: /ENOSPC|no space left/i, says: 'the disk is full, so make room and run the same command again' },
  {
    sign: /EACCES|EPERM|permission denied/i,
    says: 'a folder may not be written, so check who owns this folder',
  },
  {
    sign: /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNRESET|ENETUNREACH|FETCH_FAIL|META_FETCH|error sending request|dns error|network/i,
    says: 'the package registry cannot be reached, so check the network (or proxy) and run the same command again',
  },
]

function manifests() {
  const named = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json']
  return [...named, ...packages().map(name => join('packages', name, 'package.json'))].map(file =>
    join(root, file),
  )
}
