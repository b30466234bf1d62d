import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { vi } from 'vitest'
import { main } from '../src/main.js'

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const tsc = at('../../../node_modules/typescript/bin/tsc')

/** What a process left behind. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A process that runs: its end, and a way to wait for its first output. */
export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** Resolves when the process has written a line to standard output. */
  readonly spoke: Promise<void>
}

/** Compiles the program, unless it is up to date. */
export async function build(): Promise<void> {
  const { code, stdout } = await run([tsc, '-b', at('..')], '.').ended
  if (code !== 0) throw new Error(stdout)
}

/** Starts `bptt` with `args` in a folder; `input` is its standard input, `open` what comes first of one that stays open. */
export function start(folder: string, args: readonly string[], input: string = '', open?: string): Running {
  return run([at('../dist/bptt.js'), ...args], folder, input, open)
}

/** Runs `bptt` to its end. */
export function bptt(folder: string, args: readonly string[], input?: string): Promise<Ended> {
  return start(folder, args, input).ended
}

function run(args: readonly string[], cwd: string, input: string = '', open?: string): Running {
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...process.env, NO_COLOR: '1', BPTT_COMMAND: 'npm run bptt --' },
  })
  let [stdout, stderr] = ['', '']
  let speak = (): void => {}
  const spoke = new Promise<void>(resolve => (speak = resolve))
  child.stdout.on('data', chunk => {
    stdout += chunk
    if (stdout.includes('\n')) speak()
  })
  child.stderr.on('data', chunk => (stderr += chunk))
  child.stdin.on('error', () => {})
  if (open === undefined) child.stdin.end(input)
  else child.stdin.write(open)
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => resolve({ code, stdout, stderr }))
  })
  return { child, ended, spoke }
}

const file = /^[\w-]+\.(csv|html|json|onnx|safetensors|ts|txt)$/

/**
 * Runs `bptt` in this very process: much faster, and the same but for signals, standard input and closed pipes. Arguments that are files of
 * the folder, or look like it, are meant so.
 */
export async function inProcess(folder: string, args: readonly string[]): Promise<Ended> {
  const said = { stdout: '', stderr: '' }
  const hear = (name: 'stdout' | 'stderr') =>
    vi.spyOn(process[name], 'write').mockImplementation(text => {
      said[name] += String(text).replaceAll(`${folder}${sep}`, '')
      return true
    })
  const ears = [hear('stdout'), hear('stderr')]
  const before = process.exitCode
  const placed = (arg: string): string =>
    file.test(arg) || (arg !== '' && existsSync(join(folder, arg))) ? join(folder, arg) : arg
  process.exitCode = undefined
  try {
    const code = await main(args.map(placed))
    return { code, ...said }
  } finally {
    process.exitCode = before
    for (const ear of ears) ear.mockRestore()
  }
}

/** The JSON records a command has printed, one a line. */
export const recordsOf = <T>(stdout: string): readonly T[] =>
  stdout
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
