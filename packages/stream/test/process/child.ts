import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** How a process ended, and what it wrote. */
interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly output: string
}

/** A process that runs. */
export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
}

/** Starts a program. */
export function start(program: string, args: readonly string[], options: SpawnOptions = {}): Running {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', chunk => (output += chunk))
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, output }))
  })
  return { child, ended }
}

/** Starts a script of this folder, on the built packages. */
export function script(name: string, args: readonly string[], env: Record<string, string> = {}): Running {
  return start(process.execPath, [at(name), ...args], { env: { ...process.env, ...env } })
}

/** The path of a script of this folder. */
export const scriptPath = (name: string): string => at(name)

/** Compiles the packages, unless they are up to date: the scripts run on what is built. */
export async function build(): Promise<void> {
  const tsc = at('../../../../node_modules/typescript/bin/tsc')
  const { code, output } = await start(process.execPath, [tsc, '-b', at('../../src/node')]).ended
  if (code !== 0) throw new Error(output)
}

/** Runs tasks, `width` of them at a time. */
export async function pool<T>(tasks: readonly (() => Promise<T>)[], width: number): Promise<readonly T[]> {
  const results: T[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    for (let i = next++; i < tasks.length; i = next++) results[i] = await tasks[i]!()
  }
  await Promise.all(Array.from({ length: width }, worker))
  return results
}
