import { describe as describeGraph } from '@bptt/graph'
import { adam, sgd, softmaxCrossEntropy, stepGraph, trainer } from '@bptt/stream'
import { full, unroll } from '@bptt/unroll'
import { from, lastValueFrom } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { contender, contenders } from '../src/compare/contender.js'
import { costOf } from '../src/compare/cost.js'
import { pageOf } from '../src/compare/page.js'
import { lagsOf, qualityOf, sequenceOf } from '../src/compare/quality.js'
import { type Race, race } from '../src/compare/race.js'
import { closingRecord, recordOf } from '../src/compare/record.js'
import { measured, ranked, unmeasured } from '../src/compare/result.js'
import { notes, table } from '../src/compare/view.js'
import { corpusOf } from '../src/corpus.js'
import { textMaterial } from '../src/material.js'
import { coloursFor } from '../src/terminal.js'

const text = 'the quick brown fox jumps over the lazy dog. '.repeat(20)
const material = textMaterial(corpusOf('fox.txt', text), 'gru', 5)
const never = new AbortController().signal
const start = adam(0.01)
const cost = costOf(material.model, material.loss, start)
const plan = (labels: readonly string[], optimizer = start): Race => ({
  material,
  optimizer,
  contenders: contenders(labels, 3),
  cost,
  seed: 3,
  limits: { steps: 400 },
})
const plain = coloursFor({})

describe('an estimator as it is written', () => {
  test.each([
    ['tbptt:8', 'every(8)', undefined],
    ['artbp:16', 'artbp(mean 16, seed 3)', undefined],
    ['artbp:1.5,4.5', 'artbp(mean 1.5, tail 4.5, seed 3)', undefined],
    ['artbp:9,none', 'artbp(mean 9, seed 3)', undefined],
    ['full:20', 'full', 20],
  ])('%s is %s', (label, schedule, episode) => {
    const { credit } = contender(label, 3)
    expect([credit.schedule.text, credit.episode]).toEqual([schedule, episode])
  })

  test.each([
    [
      'tbptt',
      "--estimators takes estimators written 'full:N', 'tbptt:K', 'artbp:MEAN' or 'artbp:MEAN,TAIL', but one is 'tbptt'",
    ],
    ['tbptt:8,4', "but one is 'tbptt:8,4'"],
    ['uoro:8', "but one is 'uoro:8'"],
    ['tbptt:0', "--estimators tbptt:0 must be a whole number from 1 to 1000000, but is '0'"],
    ['full:1', "must be a whole number from 2 to 1000000, but is '1'"],
    ['artbp:1', "--estimators artbp:1 must be a number above 1 and at most 1000000, but is '1'"],
    ['artbp:8,2', "must be a number above 2 and at most 1000, or 'none', but is '2'"],
  ])('%s is refused in one sentence', (label, sentence) => {
    expect(() => contender(label, 3)).toThrow(sentence)
  })

  test('is refused where it is there twice', () => {
    expect(() => contenders(['tbptt:8', 'tbptt:8'], 1)).toThrow("--estimators has 'tbptt:8' twice")
  })
})

describe('what a training step costs', () => {
  test.each([1, 2, 3, 17])('is what describe counts for %i events', T => {
    const { model } = material
    const [optimizer, loss] = [adam(0.01), softmaxCrossEntropy]
    const { flops, bytes } = costOf(model, loss, optimizer)
    expect(flops(T)).toBe(
      describeGraph(stepGraph({ estimator: full(), model, loss, optimizer }), { T }).flops,
    )
    expect(2 * bytes(T)).toBe(describeGraph(unroll(model, { steps: T, batch: 1, loss }).graph).savedBytes)
  })
})

describe('a race', () => {
  test('gives every estimator what it would reach alone', async () => {
    const own = plan(['tbptt:7', 'artbp:5,4'])
    const standings = await race(own, never, () => {})
    for (const { contender, prequential, updates, events, params } of standings) {
      const alone = trainer({ ...own, ...own.material, estimator: contender.credit.schedule })
      const last = await lastValueFrom(from(material.samples(own.limits, never)).pipe(alone.train()))
      expect([events, updates, prequential]).toEqual([400, last.updates, last.prequential])
      expect(params()).toEqual(alone.snapshot().params)
    }
  })

  test('cuts the stream into episodes for full BPTT, and counts what is kept for them', async () => {
    const own = plan(['full:50'])
    const [standing] = await race(own, never, () => {})
    expect([...standing!.history.segments]).toEqual([[50, 8]])
    expect([standing!.updates, standing!.meanSegment, standing!.longestSegment]).toEqual([8, 50, 50])
    expect([standing!.flops, standing!.bytes]).toEqual([8 * own.cost.flops(50), own.cost.bytes(50)])
  })

  test('goes on without an estimator that breaks down, and ranks it last', async () => {
    const own = plan(['tbptt:1', 'full:400'], sgd(1e300))
    const standings = await race(own, never, () => {})
    const [last] = ranked(standings).slice(-1)
    expect(last!.broken).toMatch(/^events? .+ not made/)
    expect(notes(unmeasured(material, standings))).toContain(`${last!.contender.label} broke down after`)
  })

  test('ends where it is told to, with what was reached', async () => {
    const stop = new AbortController()
    const standings = await race(plan(['tbptt:10']), stop.signal, events => {
      if (events === 25) stop.abort()
    })
    expect(standings[0]!.events).toBe(25)
  })
})

describe('gradients beside full BPTT', () => {
  const place = { material, params: material.model.init(3).params, prefix: 9, samples: 50 }

  test('of random cuts are unbiased and scatter, of blocks are biased and do not, of whole episodes are exact', async () => {
    const sequence = await sequenceOf(place)
    const [full, blocks, random] = ['full:50', 'tbptt:2', 'artbp:3,4'].map(label =>
      qualityOf(contender(label, 1), place, sequence),
    )
    expect(full).toMatchObject({ bias: 0, deviation: 0 })
    expect(blocks).toMatchObject({ deviation: 0, method: 'enumerated' })
    expect(blocks!.bias).toBeGreaterThan(0.01)
    expect(random).toMatchObject({ method: 'enumerated', patterns: 256, biasError: 0 })
    expect(random!.bias).toBeLessThan(1e-9)
    expect(random!.deviation).toBeGreaterThan(0.01)
  })

  test('go over the events before the first reset', async () => {
    const short = { ...material, samples: () => resetAt(4) }
    const sequence = await sequenceOf({ ...place, material: short })
    expect([sequence.xs.shape, sequence.targets.shape]).toEqual([
      [4, 1],
      [4, 1],
    ])
    expect(lagsOf(place, sequence)).toHaveLength(3)
  })
})

async function* resetAt(place: number) {
  for (let t = 0; t < 9; t++) {
    await Promise.resolve()
    yield { input: t % 3, target: 1, reset: t === place }
  }
}

describe('a comparison', () => {
  const made = async () => {
    const own = plan(['tbptt:2', 'artbp:4,4'])
    const standings = await race(own, never, () => {})
    const sizes = { prefix: 8, samples: 20 }
    return { own, comparison: await measured(material, standings, sizes, () => Promise.resolve(true)) }
  }

  test('is a table, the lowest loss first, narrow enough for 80 columns, with curves where there is room', async () => {
    const { comparison } = await made()
    const lines = table(comparison, plain, 80).split('\n')
    expect(lines[0]).toMatch(/estimator +bits\/char +lately +segment +flops +kept +bias +std$/)
    expect(lines).toHaveLength(3)
    const losses = comparison.results.map(({ standing }) => standing.prequential)
    expect(losses).toEqual(losses.toSorted((a, b) => a - b))
    expect(Math.max(...lines.map(line => line.length))).toBeLessThanOrEqual(80)
    expect(table(comparison, plain, 120)).toMatch(/[▁▂▃▄▅▆▇█]{20}/)
  })

  test('is a page in which a colour means the same estimator everywhere, and every x has a y', async () => {
    const { own, comparison } = await made()
    const { charts, table: summary } = pageOf(own, comparison, 'Adam')
    expect(charts.map(({ id }) => id)).toEqual(['loss', 'trade-off', 'lags', 'segments'])
    for (const { at, series, id } of charts) {
      expect(at).toEqual(at.toSorted((a, b) => a - b))
      for (const { y } of series) expect(y).toHaveLength(at.length)
      const names = series.filter(({ muted }) => !muted).map(({ name }) => name)
      if (id !== 'lags') expect(names).toEqual(['tbptt:2', 'artbp:4,4'])
    }
    expect(summary.rows.map(([name]) => name)).toEqual(
      comparison.results.map(({ standing }) => standing.contender.label),
    )
  })

  test('is JSON without what JSON has not, also where nothing was measured', async () => {
    const { own, comparison } = await made()
    for (const each of [
      comparison,
      unmeasured(
        material,
        comparison.results.map(({ standing }) => standing),
      ),
    ])
      for (const record of [
        ...each.results.map(result => recordOf(result, each)),
        closingRecord(own, each, undefined),
      ])
        expect(JSON.parse(JSON.stringify(record))).toEqual(record)
    expect(closingRecord(own, comparison, 'a.html')).toMatchObject({
      final: true,
      unit: 'bits per character',
      html: 'a.html',
      gradients: { steps: 8, patterns: 0 },
    })
  })
})
