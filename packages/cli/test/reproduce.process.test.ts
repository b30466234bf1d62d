import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bptt, build, type Ended, recordsOf, start } from './bptt.js'

let folder = ''
beforeAll(async () => {
  await build()
  folder = await mkdtemp(join(tmpdir(), 'bptt-reproduce-'))
}, 120_000)

afterAll(async () => {
  await rm(folder, { recursive: true })
})

type Line = Readonly<Record<string, unknown>>
const records = ({ stdout }: Ended): readonly Line[] => recordsOf<Line>(stdout)

describe('bptt reproduce', () => {
  test('vanishing --json ends with code 0, a record a line, and every part of the claim held', async () => {
    const ended = await bptt(folder, ['reproduce', 'vanishing', '--json', '--steps', '20', '--hidden', '8'])
    expect([ended.code, ended.stderr]).toEqual([0, ''])
    const all = records(ended)
    expect(all.slice(0, -1).every(({ part }) => typeof part === 'string')).toBe(true)
    const final = all.at(-1) as { readonly claims: readonly { readonly held: boolean }[] }
    expect(final).toMatchObject({ experiment: 'vanishing', final: true, ending: 'finished', held: true })
    expect(final.claims.length).toBeGreaterThan(3)
    expect(final.claims.every(({ held }) => held)).toBe(true)
  }, 60_000)

  test.each([
    ['SIGINT', 130, 'Ctrl-C'],
    ['SIGTERM', 143, 'SIGTERM'],
  ] as const)(
    'stops a long run at %s with code %i, one sentence and a last record, and leaves no file',
    async (signal, code, cause) => {
      const { child, spoke, ended } = start(folder, [
        'reproduce',
        'influence-balancing',
        '--json',
        '--steps',
        '1e8',
      ])
      await spoke
      child.kill(signal)
      const end = await ended
      expect(end.code).toBe(code)
      expect(end.stderr).toMatch(
        new RegExp(`^Stopped \\(${cause}\\) after [^\\n]+, before the end of the experiment\\.\\n$`),
      )
      expect(records(end).at(-1)).toMatchObject({ final: true, ending: 'interrupted' })
      expect(await readdir(folder)).toEqual([])
    },
    60_000,
  )
})
