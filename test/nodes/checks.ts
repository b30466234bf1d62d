import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { run } from '../docs/run.js'
import { doors } from '../style/exports.js'
import { packages, root, sources } from '../style/source.js'

/** What is tried with a Node: throws where it does not hold. Files go into `folder`. */
export type Check = (node: string, folder: string) => Promise<void>

/** A smoke subset of the tests, on the built packages, each in a process of its own. */
export const checks: Readonly<Record<string, Check>> = {
  async 'every door opens'(node, folder) {
    const names = packages()
      .flatMap(one => doors(one, sources()))
      .filter(({ names = [] }) => names.length > 0)
      .map(({ door }) => door)
    const program = `for (const door of ${JSON.stringify(names)}) await import(door)\nconsole.log('open')\n`
    writeFileSync(join(folder, 'doors.mjs'), program)
    await printed(node, ['doors.mjs'], folder, 'open\n')
  },

  async 'an LSTM is compiled and trains on a stream'(node, folder) {
    writeFileSync(
      join(folder, 'plain.mjs'),
      readFileSync(join(root, 'test', 'packages', 'consumer', 'plain.js')),
    )
    await printed(node, ['plain.mjs'], folder, '{"events":299,"finite":true}\n')
  },

  async 'a run that is killed goes on bit for bit'(node, folder) {
    const script = join(root, 'packages', 'stream', 'test', 'process', 'run.mjs')
    const [whole, broken] = [join(folder, 'whole.safetensors'), join(folder, 'broken.safetensors')]
    const train = (file: string): readonly string[] => [script, file, '300', 'artbp']
    await printed(node, train(whole), folder, 'done')
    await killed(node, train(broken), broken)
    await printed(node, train(broken), folder, 'done')
    if (!readFileSync(whole).equals(readFileSync(broken))) throw new Error('the two snapshots differ')
  },

  async 'bptt trains and checks a cell in TypeScript'(node, folder) {
    const bptt = join(root, 'packages', 'cli', 'dist', 'bptt.js')
    writeFileSync(join(folder, 'notes.txt'), 'how much wood would a woodchuck chuck? '.repeat(50))
    writeFileSync(join(folder, 'cell.ts'), "export { elman } from '@bptt/unroll'\n")
    await printed(node, [bptt, 'train', '--text', 'notes.txt', '--seconds', '1'], folder, 'bits')
    await printed(node, [bptt, 'check', 'cell.ts', '--runs', '2'], folder, 'elman')
  },
}

/** Runs a program that ends well and prints, among others, this text. */
async function printed(node: string, args: readonly string[], folder: string, text: string): Promise<void> {
  const { code, all } = await run(node, args, folder)
  if (code !== 0 || !all.includes(text)) throw new Error(`ended with ${code} and printed:\n${all}`)
}

/** Starts a program and kills it as soon as it has written a file. */
async function killed(node: string, args: readonly string[], file: string): Promise<void> {
  const child = spawn(node, args, { stdio: 'ignore' })
  const ended = once(child, 'close')
  while (child.exitCode === null && !existsSync(file)) await setTimeout(1)
  child.kill('SIGKILL')
  const [, signal] = (await ended) as [number | null, string | null]
  if (signal !== 'SIGKILL') throw new Error('the run ended before it was killed')
}
