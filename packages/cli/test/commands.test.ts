import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { progressLine } from '../src/check.js'
import { program } from '../src/main.js'
import { inProcess } from './bptt.js'

/** The files and packages that a file imports, or that what it imports does; types and dynamic imports aside. */
function staticallyLoaded(path: string, seen: Set<string> = new Set()): ReadonlySet<string> {
  if (seen.has(path)) return seen
  seen.add(path)
  const pattern = /^(?:import|export)\s+(?!type\s)(?:[^'\n]*?|\{[^}]*\}\s+)from '([^']+)'/gm
  for (const [, name = ''] of readFileSync(path, 'utf8').matchAll(pattern))
    if (name.startsWith('.')) staticallyLoaded(join(dirname(path), name.replace(/\.js$/, '.ts')), seen)
    else seen.add(name)
  return seen
}

/** Every command that does something, with the words that call it. */
const leavesOf = (command: Command, words: readonly string[]): readonly (readonly [string, Command])[] =>
  command.commands.length === 0
    ? [[words.join(' '), command]]
    : command.commands.flatMap(below => leavesOf(below, [...words, below.name()]))

const commands = program().commands.flatMap(command => leavesOf(command, [command.name()]))

describe('every command', () => {
  test.each(commands)(
    'bptt %s has help with an example and the exit codes, and --json',
    async (words, command) => {
      const { code, stdout, stderr } = await inProcess('', [...words.split(' '), '--help'])
      expect([code, stderr]).toEqual([0, ''])
      expect(stdout).toMatch(new RegExp(`\nExamples?:\n {2}(.+\\| )?bptt ${words} .`))
      expect(stdout).toMatch(/\nExit codes: 0 .+, 2 bad input/)
      expect(stdout).toMatch(/130 Ctrl-C/)
      expect(command.options.map(({ long }) => long)).toContain('--json')
    },
  )

  test.each(commands)(
    'bptt %s refuses an option it does not know in one sentence',
    async (words, { options }) => {
      const needed = options.filter(({ mandatory }) => mandatory).flatMap(({ long }) => [long!, 'x'])
      const { code, stdout, stderr } = await inProcess('', [...words.split(' '), ...needed, '--jason'])
      expect([code, stdout]).toEqual([2, ''])
      expect(stderr).toMatch(/^bptt \w+: unknown option '--jason' \(Did you mean --json\?\)\n$/)
    },
  )
})

test('check tells how many trials are done, and how long the rest will take', () => {
  expect(progressLine('leaky', 30, 120, 3)).toBe('leaky: 30 of 120 trials · 10 a second · 0:03, 0:09 left')
  expect(progressLine('leaky', 0, 120, 0)).toBe('leaky: 0 of 120 trials · – a second · 0:00, – left')
})

test('help, completion and a mistyped option load nothing that computes', () => {
  const loaded = [...staticallyLoaded(fileURLToPath(new URL('../src/bptt.ts', import.meta.url)))]
  expect(loaded.filter(name => !name.startsWith('/')).sort()).toEqual(['commander', 'node:fs', 'node:path'])
})
