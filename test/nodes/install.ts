import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../docs/run.js'
import { root } from '../style/source.js'

/** The platform as the packages that hold a Node name it. */
const platform = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`

/**
 * The newest Node of a major version, as the registry has it for this machine; installed once.
 * @throws Error in the words of npm where it cannot be had.
 */
export async function installNode(major: number): Promise<string> {
  const folder = join(root, 'node_modules', '.house', 'nodes', String(major))
  const name = `node-${platform}`
  const program = join(
    folder,
    'node_modules',
    name,
    'bin',
    process.platform === 'win32' ? 'node.exe' : 'node',
  )
  if (existsSync(program)) return program
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', `${name}@${major}`]
  const { code, all } = await run('npm', args, folder)
  if (code !== 0) throw new Error(all.trim().split('\n')[0])
  return program
}
