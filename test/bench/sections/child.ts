import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Finding } from '../table.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const hooks = fileURLToPath(new URL('../../../.house/hooks.mjs', import.meta.url))

/** What a script prints as JSON, run in a process of its own. */
export function inChild(script: URL, ...args: readonly string[]): Finding {
  const all = ['--expose-gc', '--import', hooks, fileURLToPath(script), ...args]
  const printed = execFileSync(process.execPath, all, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return JSON.parse(printed) as Finding
}
