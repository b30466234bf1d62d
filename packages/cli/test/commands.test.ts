import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { progressLine } from '../src/check.js'
import { program } from '../src/main.js'
import { inProcess } from './bptt.js'

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
