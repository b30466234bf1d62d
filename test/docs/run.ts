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

/** Runs a command in `folder` to its end; one that takes over a minute, or the milliseconds given, is stopped. */
export async function run(
  command: string,
  args: readonly string[],
  folder: string,
  timeout = 60_000,
): Promise<Ended> {
  const { code, out, all } = await spawned(command, args, folder, timeout)
  return { code, printed: out, all }
}

/** A JavaScript file and the folder it runs in. */
export type Script = readonly [folder: string, file: string]

/**
 * Runs scripts one after the other in one process; how each ended, in their order. `code` is null for those that did not, because one before
 * them ended the process, or two minutes were over.
 */
export async function runTogether(scripts: readonly Script[]): Promise<Ended[]> {
  const runner = join(root, 'test', 'docs', 'runner.mjs')
  const { out, error } = await spawned(process.execPath, [runner, JSON.stringify(scripts)], root, 120_000)
  const [outs, errors] = [out.split('\0'), error.split('\0')]
  return scripts.map((_, i) => {
    const [printed = '', code] = outs.slice(2 * i)
    return {
      code: code === undefined || code === '' ? null : Number(code),
      printed,
      all: printed + (errors[i] ?? ''),
    }
  })
}

interface Spawned {
  readonly code: number | null
  readonly out: string
  readonly error: string
  readonly all: string
}

function spawned(
  command: string,
  args: readonly string[],
  folder: string,
  timeout: number,
): Promise<Spawned> {
  const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env['PATH']}`, NO_COLOR: '1' }
  const child = spawn(command, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'], timeout })
  const out: string[] = []
  const error: string[] = []
  const all: string[] = []
  child.stdout.setEncoding('utf8').on('data', text => out.push(text) && all.push(text))
  child.stderr.setEncoding('utf8').on('data', text => error.push(text) && all.push(text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => resolve({ code, out: out.join(''), error: error.join(''), all: all.join('') }))
  })
}

/** An empty folder inside the repository, so that a program in it finds the packages, out of sight of git. */
export function emptyFolder(name: string): string {
  const folder = join(root, 'node_modules', '.house', 'docs', name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(join(folder, 'bin'), { recursive: true })
  return folder
}

/** Puts programs on the path of commands that run in `folder`: `bptt`, the built one, and `bptt-example`, as `npm run example`. */
export function installBptt(folder: string): void {
  const program = (name: string, ...args: string[]): void =>
    writeFileSync(
      join(folder, 'bin', name),
      `#!/bin/sh\nexec ${[process.execPath, ...args].map(one => `"${one}"`).join(' ')} "$@"\n`,
      { mode: 0o755 },
    )
  program('bptt', join(root, 'packages', 'cli', 'dist', 'bptt.js'))
  program('bptt-example', join(root, '.house', 'run.mjs'), 'example')
}
