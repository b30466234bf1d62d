import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { from, lastValueFrom, take, toArray } from 'rxjs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fileSource } from '../../src/node/index.js'
import { codePoints, csv, ndjson } from '../../src/sources/index.js'
import { all, outcome } from './support.js'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bptt-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('fileSource', () => {
  test('gives a file in pieces, every time from its beginning', async () => {
    const path = join(folder, 'a.txt')
    await writeFile(path, 'é'.repeat(100_000))
    const source = fileSource(path)
    const chunks = await all(source)
    expect(chunks.map(chunk => chunk.length)).toEqual([65_536, 65_536, 65_536, 3392])
    expect((await all(codePoints(source))).length).toBe(100_000)
  })

  test('names the file, the line and the column of a bad record', async () => {
    const path = join(folder, 'a.csv')
    await writeFile(path, 'x,y\n1,2\n1,?\n')
    const { message, values } = await outcome(csv(fileSource(path), { input: 'x', target: 'y' }))
    expect(values).toEqual([{ input: 1, target: 2 }])
    expect(message).toContain(`${path}, line 3, column 'y': is "?"; events are finite decimal numbers`)
  })

  test('says why a file cannot be read, when it is read', async () => {
    const { code, message } = await outcome(
      ndjson(fileSource(join(folder, 'none')), { input: 'x', target: 'y' }),
    )
    expect(code).toBe('cannot-read')
    expect(message).toBe(`${join(folder, 'none')}: cannot be read: there is no such file or folder`)
    expect((await outcome(fileSource(folder))).message).toContain('it is a folder')
  })

  test('closes the file when the reader stops early', async () => {
    const path = join(folder, 'a.jsonl')
    await writeFile(path, '{"x":1,"y":2}\n'.repeat(20_000))
    const open = async () => (await openFiles()).filter(name => name === path).length
    const first = await lastValueFrom(
      from(ndjson(fileSource(path), { input: 'x', target: 'y' })).pipe(take(2), toArray()),
    )
    expect(first).toHaveLength(2)
    for (let i = 0; i < 50 && (await open()) > 0; i++) await new Promise(done => setTimeout(done, 10))
    expect(await open()).toBe(0)
  })

  test('reads standard input, and any Node stream as it is', async () => {
    const input = fileSource('-', Readable.from([Buffer.from('{"x":1'), Buffer.from(',"y":2}\n{')]))
    const { values, message } = await outcome(ndjson(input, { input: 'x', target: 'y' }))
    expect(values).toEqual([{ input: 1, target: 2 }])
    expect(message).toContain('standard input, line 2, column')
    expect(await all(codePoints(Readable.from(['ab', 'c'])))).toEqual(['a', 'b', 'c'])
  })
})

/** Paths of the open files of this process, where the system tells. */
async function openFiles(): Promise<string[]> {
  const { readdir, readlink } = await import('node:fs/promises')
  const names = await readdir('/proc/self/fd').catch(() => [])
  return Promise.all(names.map(name => readlink(`/proc/self/fd/${name}`).catch(() => '')))
}
