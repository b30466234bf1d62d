import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { load, save, writeAtomic } from '../src/node/index.js'
import { bundle } from './process/bundle.js'
import { build, pool, script, scriptPath, start } from './process/child.js'
import { snapshotOf } from './process/states.mjs'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bptt-'))
})
afterEach(() => rm(folder, { recursive: true }))

const path = (name = 'model.safetensors'): string => join(folder, name)
const eventsIn = async (): Promise<number> => (await load(path())).counters.events

describe('the last two snapshots', () => {
  test('are kept: what is replaced stays as the previous one', async () => {
    await save(path(), snapshotOf(1))
    expect(await readdir(folder)).toEqual(['model.safetensors'])
    await save(path(), snapshotOf(2))
    await save(path(), snapshotOf(3))
    expect((await readdir(folder)).sort()).toEqual(['model.previous.safetensors', 'model.safetensors'])
    expect(await load(path())).toMatchObject({ counters: { events: 3 }, file: path() })
    expect(await load(path())).not.toHaveProperty('warning')
    expect((await load(path('model.previous.safetensors'))).counters.events).toBe(2)
  })

  test.each([
    [
      'is cut off',
      (bytes: Buffer) => bytes.subarray(0, 700),
      /: bytes 0 to 7 announce|: tensor .* ends at byte/,
    ],
    ['is empty', () => Buffer.alloc(0), /: has 0 bytes; a safetensors file begins/],
    ['holds something else', () => Buffer.from('\x02\0\0\0\0\0\0\0{}'), /: holds no snapshot of a trainer/],
  ])('lead back to the previous one where the last %s, and say why', async (_, broken, why) => {
    await save(path(), snapshotOf(1))
    await save(path(), snapshotOf(2))
    await writeFile(path(), broken(await readFile(path())))
    const loaded = await load(path())
    expect(loaded.counters.events).toBe(1)
    expect(loaded.file).toBe(path('model.previous.safetensors'))
    expect(loaded.warning).toMatch(why)
    expect(loaded.warning).toMatch(
      new RegExp(`^${path()}: .*; went back to the one before, ${loaded.file}$`, 's'),
    )
  })

  test('lead back where the last is missing', async () => {
    await save(path(), snapshotOf(1))
    await save(path(), snapshotOf(2))
    await rm(path())
    expect((await load(path())).warning).toBe(
      `${path()}: cannot be read: there is no such file or folder; went back to the one before, ${path('model.previous.safetensors')}`,
    )
  })

  test('give the error of the last where neither can be read', async () => {
    await writeFile(path(), 'x')
    await expect(load(path())).rejects.toMatchObject({ code: 'bad-safetensors', where: path() })
    await writeFile(path('model.previous.safetensors'), 'y')
    await expect(load(path())).rejects.toMatchObject({ code: 'bad-safetensors', where: path() })
    await rm(path())
    await expect(load(path())).rejects.toMatchObject({ code: 'cannot-read', where: path() })
  })

  test('stay as they were where the next cannot be written', async () => {
    await save(path(), snapshotOf(1))
    await save(path(), snapshotOf(2))
    await rm(path('model.previous.safetensors'))
    await mkdir(path('model.previous.safetensors/in the way'), { recursive: true })
    await expect(save(path(), snapshotOf(3))).rejects.toMatchObject({ code: 'cannot-write' })
    expect((await readdir(folder)).sort()).toEqual(['model.previous.safetensors', 'model.safetensors'])
    expect(await eventsIn()).toBe(3)
  })
})

describe('temporary files', () => {
  const left = '.bptt-0123456789abcdef.tmp'

  test('left behind by a killed process are removed when they are an hour old, and others are not', async () => {
    const old = new Date(Date.now() - 3_700_000)
    for (const name of [left, '.bptt-mine.tmp', '.bptt-fedcba9876543210.tmp'])
      await writeFile(path(name), 'half')
    for (const name of [left, '.bptt-mine.tmp']) await utimes(path(name), old, old)
    await writeAtomic(path('a'), Uint8Array.of(1))
    expect((await readdir(folder)).sort()).toEqual(['.bptt-fedcba9876543210.tmp', '.bptt-mine.tmp', 'a'])
  })
})

describe('a process killed while it saves', () => {
  const [first, second] = [snapshotOf(1), snapshotOf(2)]
  let [program, place] = ['', '']
  beforeAll(async () => {
    await build()
    place = await mkdtemp(join(tmpdir(), 'bptt-program-'))
    program = await bundle('save.mjs', place)
  }, 120_000)
  afterAll(() => rm(place, { recursive: true }))

  /** Kills a save of state 3 over state 2 (and 1 before it) before this step; how many steps there are, where it was not killed. */
  async function killedAt(step: number, links: string): Promise<number | undefined> {
    const own = path(`${links}-${step}`)
    await mkdir(own)
    const file = join(own, 'model.safetensors')
    await save(file, first)
    await save(file, second)
    const { signal, output } = await script(program, [file, path('3'), String(step)], { LINKS: links }).ended
    const [last, before] = [await load(file), await load(join(own, 'model.previous.safetensors'))]
    expect([last.warning, before.warning]).toEqual([undefined, undefined])
    const pair = [last.counters.events, before.counters.events]
    if (signal === 'SIGKILL') {
      expect(['2,1', '3,1', '3,2']).toContain(String(pair))
      await save(file, second)
      expect((await load(file)).counters.events).toBe(2)
      return undefined
    }
    expect({ output, pair }).toEqual({ output: expect.stringMatching(/^\d+ steps\n$/), pair: [3, 2] })
    return Number.parseInt(output, 10)
  }

  test.each(['yes', 'no'])(
    'leaves two whole snapshots, whichever step it died at (links: %s)',
    async links => {
      await save(path('3'), snapshotOf(3))
      const most = (await killedAt(0, links))!
      expect(most).toBeGreaterThan(12)
      const steps = Array.from({ length: most }, (_, i) => i + 1)
      const ends = await pool(
        steps.map(step => () => killedAt(step, links)),
        2,
      )
      expect(ends).toEqual(steps.map(() => undefined)) // every one of them was killed
    },
    120_000,
  )
})

describe('a disk that refuses', () => {
  beforeAll(build, 120_000)

  /** What came of a save, run by a shell command that ends in `$0 $@`. */
  async function refusedBy(command: string, how: string): Promise<Record<string, unknown>> {
    const args = ['-c', command, process.execPath, scriptPath('refused.mjs'), folder, how]
    const { output } = await start('sh', args).ended
    try {
      return JSON.parse(output)
    } catch {
      throw new Error(output)
    }
  }

  const untouched = (names: readonly string[], why: string): unknown => ({
    error: {
      code: 'cannot-write',
      message: `${path()}: cannot be written: ${why}; a file is replaced whole or not at all`,
    },
    events: 8,
    names,
    intact: true,
  })

  test('to hold the file: a coded error that names it, the old file whole, training goes on', async () => {
    const found = await refusedBy('ulimit -f 8 && exec "$0" "$@"', 'limited')
    expect(found).toEqual(untouched(['model.safetensors'], 'it would be larger than the system allows'))
  })

  test('to take another record: what was written of it is taken back, the records before it are whole', async () => {
    const command = 'ulimit -f 4 && exec "$0" "$@"' // blocks of 512 bytes, or of 1024
    const file = path('reports.jsonl')
    const { output } = await start('sh', ['-c', command, process.execPath, scriptPath('append.mjs'), file])
      .ended
    const found = JSON.parse(output) as { error: unknown; whole: number[]; rest: string }
    expect(found.error).toEqual({
      code: 'cannot-write',
      message: `${file}: cannot be written: the disk is full; records are appended whole or not at all`,
    })
    expect(found.whole).toEqual(found.whole.map((_, i) => i + 1))
    expect(found.whole.length).toBeGreaterThan(1)
    expect(found.whole.length).toBeLessThan(9)
    expect(found.rest).toBe('')
  })

  // a small disk of one's own needs a user namespace
  const mount = 'mount -t tmpfs -o size=32k none "$2" && exec "$0" "$@"'
  const inNamespace = `exec unshare -rm sh -c '${mount}' "$0" "$@"`
  const canMount = spawnSync('unshare', ['-rm', 'sh', '-c', 'mount -t tmpfs none /tmp']).status === 0

  test.skipIf(!canMount).each([
    ['full', ['junk', 'model.safetensors'], 'the disk is full'],
    ['read-only', ['model.safetensors'], 'the file system is read-only'],
  ])('because it is %s: the same', async (how, names, why) => {
    expect(await refusedBy(inNamespace, how)).toEqual(untouched(names, why))
  })
})
