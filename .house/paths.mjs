import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The top folder of the repository. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Names of the folders in packages/ that hold a package. */
export function packages() {
  const folder = join(root, 'packages')
  return readdirSync(folder).filter(name => existsSync(join(folder, name, 'package.json')))
}

/** The stamp that says which install or build is in place. It goes when node_modules goes. */
export function stampFile(name) {
  return join(root, 'node_modules', '.house', `${name}.stamp`)
}
