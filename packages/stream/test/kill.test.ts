import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { load } from '../src/node/index.js'
import { bundle } from './process/bundle.js'
import { build, pool, script } from './process/child.js'
import { estimators } from './process/states.mjs'

let [folder, program] = ['', '']
beforeAll(async () => {
  await build()
  folder = await mkdtemp(join(tmpdir(), 'bptt-kill-'))
  program = await bundle('run.mjs', join(folder, 'program'))
}, 120_000)
afterAll(() => rm(folder, { recursive: true }))

const names = Object.keys(estimators)
const events = 300
/** Runs that are killed, and how often each. */
const [runs, kills] = [10, 10]

const fileOf = async (name: string): Promise<string> => {
  await mkdir(join(folder, name))
  return join(folder, name, 'model.safetensors')
}
const train = (file: string, estimator: string): ReturnType<typeof script> =>
  script(program, [file, String(events), estimator])

/** Starts a run and kills it when a random number of marks has been written and some milliseconds have passed; false where it came to its end. */
async function kill(file: string, estimator: string): Promise<boolean> {
  const { child, ended } = train(file, estimator)
  const wanted = Math.floor(Math.random() * 12)
  await new Promise<void>(resolve => {
    let marks = 0
    if (wanted === 0) resolve()
    child.stdout!.on('data', (chunk: Buffer) => {
      marks += chunk.length
      if (marks >= wanted) resolve()
    })
    child.on('close', () => resolve())
  })
  await setTimeout(Math.random() * (wanted === 0 ? 300 : 8))
  child.kill('SIGKILL')
  const { signal, output } = await ended
  expect(output).toMatch(/^\.*(done)?$/)
  return signal === 'SIGKILL'
}

/** Runs to the end; the bytes of the last snapshot. */
async function finish(file: string, estimator: string): Promise<Buffer> {
  const { output } = await train(file, estimator).ended
  expect(output).toMatch(/^\.*done$/)
  return readFile(file)
}

/** What a run went through. */
interface Story {
  /** Temporary files that killed saves left behind. */
  readonly halves: number
  /** Whether a process went on from a snapshot. */
  readonly resumed: boolean
}

/** A run that is killed again and again, then left to its end, and must end with the same bytes as `whole`. */
async function survive(name: string, estimator: string, whole: Buffer): Promise<Story> {
  const file = await fileOf(name)
  let [halves, resumed] = [0, false]
  for (let killed = 0; killed < kills; ) {
    if (await kill(file, estimator)) killed++
    else {
      expect((await readFile(file)).equals(whole)).toBe(true)
      await rm(file)
    }
    const left = await readdir(dirname(file))
    halves = left.filter(one => one.endsWith('.tmp')).length
    resumed ||= left.includes('model.safetensors') && (await load(file)).open.t < events
  }
  expect((await finish(file, estimator)).equals(whole)).toBe(true)
  return { halves, resumed }
}

describe('a process killed with kill -9', () => {
  test(`${runs * kills} times at random moments, also in saves, and started again: every bit of the run that was never stopped`, async () => {
    const whole = new Map<string, Buffer>()
    for (const name of names) whole.set(name, await finish(await fileOf(name), name))
    const tasks = Array.from({ length: runs }, (_, i) => {
      const estimator = names[i % names.length]!
      return () => survive(`run-${i}`, estimator, whole.get(estimator)!)
    })
    const stories = await pool(tasks, 3)
    expect(stories.some(({ halves }) => halves > 0)).toBe(true)
    expect(stories.some(({ resumed }) => resumed)).toBe(true)
  }, 300_000)
})
