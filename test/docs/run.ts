import { spawn } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../style/source.js'

/** How a process ended, and what it wrote to both of its outputs. */
export interface Ended {
  readonly code: number | null
  readonly printed: string
  /** Both outputs, in the order they came. */
  readonly all: string
}

/** Runs a command in `folder` to its end; one that takes over a minute is stopped. */
export function run(command: string, args: readonly string[], folder: string): Promise<Ended> {
  const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env['PATH']}`, NO_COLOR: '1' }
  const child = spawn(command, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 })
  const out: string[] = []
  const all: string[] = []
  child.stdout.setEncoding('utf8').on('data', text => out.push(text) && all.push(text))
  child.stderr.setEncoding('utf8').on('data', text => all.push(text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => resolve({ code, printed: out.join(''), all: all.join('') }))
  })
}

/** An empty folder inside the repository, so that a program in it finds the packages, out of sight of git. */
export function emptyFolder(name: string): string {
  const folder = join(root, 'node_modules', '.house', 'docs', name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(join(folder, 'bin'), { recursive: true })
  return folder
}

/** Puts a program `bptt` on the path of commands that run in `folder`: the built one. */
export function installBptt(folder: string): void {
  const built = join(root, 'packages', 'cli', 'dist', 'bptt.js')
  writeFileSync(join(folder, 'bin', 'bptt'), `#!/bin/sh\nexec "${process.execPath}" "${built}" "$@"\n`, {
    mode: 0o755,
  })
}
