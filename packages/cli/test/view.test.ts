import { describe, expect, test } from 'vitest'
import { corpusOf } from '../src/corpus.js'
import { creditOf } from '../src/estimator.js'
import { figure } from '../src/format.js'
import type { Outcome, Plan } from '../src/learn.js'
import { updatesOf } from '../src/optimizer.js'
import { meter, type Progress } from '../src/progress.js'
import { finalRecord, jsonRecord } from '../src/report.js'
import { textSubject } from '../src/text.js'
import { figures, framed, kept, opening, stopped, verdict } from '../src/view.js'

const known = { uniform: 4, unigram: 3, bigram: 2 }
const corpus = { ...corpusOf('notes.txt', 'abacabad'.repeat(125)), baselines: known }

const subject = textSubject(corpus, 'lstm', 8)
const { unit } = subject
const { baselines } = subject.yardsticks()

const plan: Plan = {
  subject,
  credit: creditOf({ estimator: 'artbp', seed: 1 }),
  updates: updatesOf({ optimizer: 'adam', clip: 1 }),
  seed: 1,
  limits: {},
  options: { cell: 'lstm' },
}

const progress: Progress = {
  events: 500,
  before: 0,
  updates: 10,
  seconds: 65,
  recent: 1.5,
  prequential: 2.5,
  segment: 50,
  gradientNorm: 0.5,
  clipped: 0.25,
}

const outcome = (rest: Partial<Outcome> = {}): Outcome => ({
  progress,
  snapshot: { params: {}, slots: {}, carry: {}, counters: {} } as unknown as Outcome['snapshot'],
  cause: undefined,
  divergence: undefined,
  broken: undefined,
  baselines,
  saved: 'm.safetensors',
  ...rest,
})

describe('verdict', () => {
  test.each([
    [1.9, 'below bigram (2.00)'],
    [2, 'below unigram (3.00), not below bigram (2.00)'],
    [3.5, 'below uniform (4.00), not below unigram (3.00)'],
    [4, 'not below uniform (4.00)'],
    [Number.NaN, 'not below uniform (4.00)'],
  ])('of %d is: %s', (bits, text) => {
    expect(verdict(bits, baselines, figure)).toBe(text)
  })
})

describe('opening', () => {
  test('names text, model, estimator and the figures to beat', () => {
    const text = opening(plan)
    expect(text).toMatch(/text +notes\.txt: 1,000 characters, 4 different ones\n/)
    expect(text).toMatch(
      /model +LSTM, 8 hidden units, [\d,]+ parameters; Adam 0\.002, gradients clipped at norm 1\n/,
    )
    expect(text).toContain(plan.credit.schedule.text)
    expect(text).toMatch(/to beat +4\.00 .+\(uniform\),\n +3\.00 .+\(unigram\),\n +2\.00 .+\(bigram\)$/)
  })

  test('says that gradients are not clipped where they are not', () => {
    const free = { ...plan, updates: updatesOf({ optimizer: 'sgd', lr: 0.5, clip: 'none' }) }
    expect(opening(free)).toContain('SGD 0.5, gradients not clipped')
    expect(updatesOf({ optimizer: 'sgd', clip: 0 }).text).toBe('SGD 0.1, gradients not clipped')
  })
})

describe('figures', () => {
  test('set both figures beside the baselines', () => {
    expect(figures(plan, outcome())).toBe(
      [
        '500 characters (50 % of the text) in 1:05, 10 updates',
        '  lately     1.50 bits per character, below bigram (2.00)',
        '  whole run  2.50 bits per character, below unigram (3.00), not below bigram (2.00)',
      ].join('\n'),
    )
  })

  test('say that the text had been seen before from the second pass on', () => {
    const text = figures(plan, outcome({ progress: { ...progress, events: 2500 } }))
    expect(text).toContain('2,500 characters (pass 3 over the text, so most of it had been seen before)')
  })

  test('say so where nothing was learned', () => {
    expect(figures(plan, outcome({ progress: meter(unit).progress }))).toBe(
      'nothing was learned: the run ended before its first update',
    )
  })
})

describe('stopped', () => {
  test('names the cause, the figures and the path', () => {
    expect(stopped(unit, outcome({ cause: 'Ctrl-C' }))).toBe(
      'Stopped (Ctrl-C) after 500 characters in 1:05, at 1.50 bits per character; the model is saved in m.safetensors.',
    )
  })

  test('says where nothing was learned or saved', () => {
    const early = outcome({ cause: 'SIGTERM', progress: meter(unit).progress, saved: undefined })
    expect(stopped(unit, early)).toBe('Stopped (SIGTERM) before anything was learned; nothing is saved.')
  })
})

test('kept names the file, or the option that makes one', () => {
  expect(kept(outcome())).toBe('The model is saved in m.safetensors.')
  expect(kept(outcome({ saved: undefined }))).toBe('The model is not saved; --save keeps it.')
})

describe('framed', () => {
  test('breaks long lines and shows what does not print as a dot', () => {
    expect(framed('it', 'abcdefgh\n\tx\u0007\n\n', 5).split('\n')).toEqual([
      '┌─ it ─',
      '│ abcde',
      '│ fgh',
      '│   x·',
      '│',
      '│',
      '└──────',
    ])
  })
})

describe('a JSON record', () => {
  test('has these fields', () => {
    expect(jsonRecord(progress, 1000)).toEqual({
      events: 500,
      pass: 1,
      updates: 10,
      seconds: 65,
      eventsPerSecond: 7.692,
      loss: 2.5,
      lately: 1.5,
      meanSegment: 50,
      gradientNorm: 0.5,
      clipped: 0.25,
    })
  })

  test('has no pass where the length of one is not known', () => {
    expect(jsonRecord(progress, undefined).pass).toBeNull()
  })

  test('has null for what is not known', () => {
    expect(jsonRecord(meter(unit).progress, 1000)).toMatchObject({
      events: 0,
      eventsPerSecond: null,
      loss: null,
      lately: null,
      meanSegment: null,
      gradientNorm: null,
    })
  })

  test('at the end adds what was trained and how it ended', () => {
    expect(finalRecord(plan, outcome())).toMatchObject({
      final: true,
      ending: 'finished',
      unit: 'bits per character',
      baselines: known,
      model: { cell: 'lstm', hidden: 8, embedding: 4, symbols: 4, parameters: expect.any(Number) },
      estimator: plan.credit.schedule.text,
      options: { cell: 'lstm' },
      saved: 'm.safetensors',
    })
    expect(finalRecord(plan, outcome({ cause: 'Ctrl-C' })).ending).toBe('interrupted')
    expect(finalRecord(plan, outcome({ broken: 'a.csv, line 7' })).ending).toBe('broken')
    expect(finalRecord(plan, outcome({ divergence: 'NaN', saved: undefined }))).toMatchObject({
      ending: 'diverged',
      saved: null,
    })
  })
})
