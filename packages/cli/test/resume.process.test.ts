import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { load } from '@bptt/stream/node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { build, type Ended, inProcess, start } from './bptt.js'

const text = 'the quick brown fox jumps over the lazy dog. '.repeat(20)
const estimators = {
  full: ['--estimator', 'full', '--episode', '70'],
  tbptt: ['--estimator', 'tbptt', '--every', '16', '--optimizer', 'rmsprop', '--schedule', 'cosine'],
  artbp: ['--cell', 'gru', '--mean', '16', '--seed', '7'],
}

let folder = ''
const train = (...args: string[]): Promise<Ended> =>
  inProcess(folder, ['train', '--text', 'text.txt', '--hidden', '8', '--quiet', ...args])
/** A run that goes on: no option but the text and the limit is given again. */
const resume = (name: string, ...args: string[]): Promise<Ended> =>
  inProcess(folder, ['train', '--text', 'text.txt', '--resume', name, '--quiet', ...args])
const state = async (name: string): Promise<unknown> => {
  const { metadata: _metadata, file: _file, ...snapshot } = await load(join(folder, name))
  return snapshot
}

beforeAll(async () => {
  await build()
  folder = await mkdtemp(join(tmpdir(), 'bptt-resume-'))
  await writeFile(join(folder, 'text.txt'), text)
  await writeFile(join(folder, 'other.txt'), 'éa'.repeat(50))
  await train('--steps', '300', '--save', 'run.safetensors')
}, 120_000)

afterAll(async () => {
  await rm(folder, { recursive: true })
})

describe('--resume', () => {
  // the text has 899 pairs: stops within the first pass, at its end, and in the second
  test.each([
    ['full', '333'],
    ['tbptt', '899'],
    ['artbp', '333'],
    ['artbp', '1234'],
  ] as const)(
    'of %s, stopped after %s characters, goes on bitwise as the run that was not',
    async (name, stop) => {
      const options = estimators[name]
      await train(...options, '--steps', '2000', '--save', 'whole.safetensors')
      await train(...options, '--steps', stop, '--save', 'part.safetensors')
      const whole = await state('whole.safetensors')
      expect(await state('part.safetensors')).not.toEqual(whole)
      expect(await resume('part.safetensors', '--steps', '2000')).toMatchObject({ code: 0, stderr: '' })
      expect(await state('part.safetensors')).toEqual(whole)
    },
    60_000,
  )

  test.each(['SIGKILL', 'SIGINT'] as const)(
    'goes on with the same bits after %s',
    async signal => {
      const name = `${signal}.safetensors`
      const args = ['--hidden', '8', '--seconds', '60', '--checkpoint-every', '100', '--save', name, '--json']
      const { child, ended } = start(folder, ['train', '--text', 'text.txt', ...args])
      await expect.poll(() => readdir(folder), { timeout: 30_000 }).toContain(name)
      child.kill(signal)
      await ended
      const { t } = (await load(join(folder, name))).open
      const steps = String(t + 500)
      expect(await resume(name, '--steps', steps)).toMatchObject({ code: 0 })
      expect(await train('--steps', steps, '--save', 'straight.safetensors')).toMatchObject({ code: 0 })
      expect(await state(name)).toEqual(await state('straight.safetensors'))
    },
    60_000,
  )

  test('saves elsewhere with --save, and counts speed from where it began', async () => {
    await train('--steps', '500', '--save', 'first.safetensors')
    const before = await state('first.safetensors')
    const learned = (await load(join(folder, 'first.safetensors'))).counters.events
    const { stdout } = await resume(
      'first.safetensors',
      '--steps',
      '600',
      '--save',
      'second.safetensors',
      '--json',
    )
    const last = JSON.parse(stdout)
    expect(last).toMatchObject({
      events: 600,
      saved: expect.stringContaining('second.safetensors'),
      options: { hidden: 8 },
    })
    const [speed, seconds] = [last.eventsPerSecond, last.seconds] // both rounded to thousandths
    expect(Math.abs(speed * seconds - (600 - learned))).toBeLessThanOrEqual(0.0006 * (speed + seconds))
    expect(await state('first.safetensors')).toEqual(before)
  })

  test.each([
    [
      ['--hidden', '9', '--steps', '900'],
      'cannot resume run.safetensors: its model has --hidden 8, but 9 is asked for; a run goes on with the model it began with',
    ],
    [
      ['--cell', 'gru', '--steps', '900'],
      'cannot resume run.safetensors: its model has --cell lstm, but gru is asked for; a run goes on with the model it began with',
    ],
    [
      ['--text', 'other.txt', '--steps', '900'],
      'cannot resume run.safetensors: other.txt has the symbol "é", which its model does not know; a run goes on with the text it began with',
    ],
    [
      ['--steps', '300'],
      'cannot resume run.safetensors: it has read 300 characters and the run ends after 300; ask for more with --steps (they count from the beginning) or --seconds',
    ],
    [['--resume', 'none'], 'none: cannot be read: there is no such file or folder'],
  ])('with %j is refused in one sentence', async (args, sentence) => {
    const before = await state('run.safetensors')
    const ended = await resume('run.safetensors', ...args)
    expect(ended).toEqual({ code: 2, stdout: '', stderr: `bptt train: ${sentence}\n` })
    expect(await state('run.safetensors')).toEqual(before)
  })

  test('with another optimiser is refused, as its slots are not those in the file', async () => {
    const { code, stderr } = await resume('run.safetensors', '--steps', '400', '--optimizer', 'sgd')
    expect(code).toBe(2)
    expect(stderr).toMatch(/^bptt train: trainer: slots '.+; a snapshot fits the model and optimiser .+\n$/)
  })
})

test('--checkpoint-every without a file is refused', async () => {
  expect(await train('--checkpoint-every', '100')).toEqual({
    code: 2,
    stdout: '',
    stderr: 'bptt train: --checkpoint-every needs a file to save in; name it with --save\n',
  })
})
