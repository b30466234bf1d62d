import { describe as describeGraph, isTensor, leaves, type Tensor, type Tree } from '@bptt/graph'
import { adam, type Sample, sgd, softmaxCrossEntropy, stepGraph, trainer } from '@bptt/stream'
import { full, rtrl, unroll } from '@bptt/unroll'
import { from, lastValueFrom } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { tasks } from '../src/commands/tasks.js'
import { classYardsticks } from '../src/compare/class-yardsticks.js'
import { contender, contenders } from '../src/compare/contender.js'
import { costOf } from '../src/compare/cost.js'
import { gradients } from '../src/compare/forward.js'
import { pageOf } from '../src/compare/page.js'
import { lagsOf, qualityOf, sequenceOf } from '../src/compare/quality.js'
import { type Race, race } from '../src/compare/race.js'
import { closingRecord, recordOf } from '../src/compare/record.js'
import { measured, ranked, unmeasured } from '../src/compare/result.js'
import { taskMaterial } from '../src/compare/task.js'
import { notes, table } from '../src/compare/view.js'
import { corpusOf } from '../src/corpus.js'
import type { Material } from '../src/material.js'
import { coloursFor } from '../src/terminal.js'
import { textSubject } from '../src/text.js'

const text = 'the quick brown fox jumps over the lazy dog. '.repeat(20)
const material = textSubject(corpusOf('fox.txt', text), 'gru', 5)
const never = new AbortController().signal
const start = adam(0.01)
const cost = (label: string) => costOf({ ...material, optimizer: start }, contender(label, 3))
const plan = (labels: readonly string[], optimizer = start): Race => ({
  material,
  optimizer,
  contenders: contenders(labels, 3),
  seed: 3,
  limits: { steps: 400 },
  prefix: 8,
})
const plain = coloursFor({})

describe('an estimator as it is written', () => {
  test.each([
    ['tbptt:8', 'every(8)', undefined],
    ['artbp:16', 'artbp(mean 16, seed 3)', undefined],
    ['artbp:1.5,4.5', 'artbp(mean 1.5, tail 4.5, seed 3)', undefined],
    ['artbp:9,none', 'artbp(mean 9, seed 3)', undefined],
    ['full:20', 'full', 20],
    ['bptt:12', 'bptt(h 12, every 1)', undefined],
    ['bptt:12,4', 'bptt(h 12, every 4)', undefined],
    ['rtrl', 'rtrl(every 1)', undefined],
    ['snap', 'snap(order 1, every 1)', undefined],
    ['snap:2', 'snap(order 2, every 1)', undefined],
    ['uoro', 'uoro(seed 3, every 1)', undefined],
  ])('%s is %s', (label, schedule, episode) => {
    const { estimator, episode: own } = contender(label, 3)
    expect([estimator.text, own]).toEqual([schedule, episode])
  })

  test.each([
    [
      'tbptt',
      "--estimators takes estimators written 'full:N', 'tbptt:K', 'artbp:MEAN', 'artbp:MEAN,TAIL', 'bptt:H', 'bptt:H,EVERY', 'rtrl', 'snap:ORDER' or 'uoro', but one is 'tbptt'",
    ],
    ['tbptt:8,4', "but one is 'tbptt:8,4'"],
    ['uoro:8', "but one is 'uoro:8'"],
    ['toString:8', "but one is 'toString:8'"],
    ['snap:1,2', "but one is 'snap:1,2'"],
    ['bptt:4,8', 'updates every 8 events, but losses go back 4; EVERY is at most H'],
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
    const { flops, bytes } = costOf({ model, loss, optimizer }, contender('tbptt:8', 1))
    expect(flops(T)).toBe(
      describeGraph(stepGraph({ estimator: full(), model, loss, optimizer }), { T }).flops,
    )
    expect(2 * bytes(T)).toBe(describeGraph(unroll(model, { steps: T, batch: 1, loss }).graph).savedBytes)
  })
})

describe('a race', () => {
  test('gives every estimator what it would reach alone', async () => {
    const own = plan(['tbptt:7', 'artbp:5,4'])
    const { standings } = await race(own, never, () => {})
    for (const { contender, prequential, updates, events, params } of standings) {
      const alone = trainer({ ...own, ...own.material, estimator: contender.estimator })
      const last = await lastValueFrom(
        from(material.samples({ limits: own.limits, signal: never })).pipe(alone.train()),
      )
      expect([events, updates, prequential]).toEqual([400, last.updates, last.prequential])
      expect(params()).toEqual(alone.snapshot().params)
    }
  })

  test('cuts the stream into episodes for full BPTT, and counts what is kept for them', async () => {
    const own = plan(['full:50'])
    const [standing] = (await race(own, never, () => {})).standings
    expect([...standing!.history.segments]).toEqual([[50, 8]])
    expect([standing!.updates, standing!.meanSegment, standing!.longestSegment]).toEqual([8, 50, 50])
    expect([standing!.flops, standing!.bytes]).toEqual([
      8 * cost('full:50').flops(50),
      cost('full:50').bytes(50),
    ])
  })

  test('goes on without an estimator that breaks down, and ranks it last', async () => {
    const own = plan(['tbptt:1', 'full:400'], sgd(1e300))
    const raced = await race(own, never, () => {})
    const [last] = ranked(raced.standings).slice(-1)
    expect(last!.broken).toMatch(/^events? .+ not made/)
    expect(notes(unmeasured(material, raced))).toContain(`${last!.contender.label} broke down after`)
  })

  test('ends where it is told to, with what was reached', async () => {
    const stop = new AbortController()
    const { standings } = await race(plan(['tbptt:10']), stop.signal, events => {
      if (events === 25) stop.abort()
    })
    expect(standings[0]!.events).toBe(25)
  })
})

describe('gradients beside full BPTT', () => {
  const headOf = async (of: Material, steps: number) => {
    const head: Sample[] = []
    for await (const sample of of.samples({ limits: { steps }, signal: never })) head.push(sample)
    return head
  }
  const placed = async (of: Material = material) => ({
    material: of,
    params: of.model.init(3).params,
    head: await headOf(of, 9),
    samples: 50,
  })

  test('of random cuts are unbiased and scatter, of blocks are biased and do not, of whole episodes are exact', async () => {
    const place = await placed()
    const sequence = sequenceOf(place)
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

  test('forward in time: of RTRL are exact, of SnAp are biased, of UORO are unbiased and scatter', async () => {
    const place = { ...(await placed()), samples: 400 }
    const sequence = sequenceOf(place)
    const [exact, near, random] = ['rtrl', 'snap', 'uoro'].map(label =>
      qualityOf(contender(label, 1), place, sequence),
    )
    expect([exact!.bias, exact!.deviation]).toEqual([0, 0])
    expect(near!.bias).toBeGreaterThan(1e-3)
    expect(random!.deviation).toBeGreaterThan(0.1)
    expect(random!.bias).toBeLessThan(4 * random!.biasError)
  })

  test('of windows that go back over the whole sequence are exact, of shorter ones biased', async () => {
    const place = await placed()
    const sequence = sequenceOf(place)
    const [whole, short] = ['bptt:9', 'bptt:2'].map(label => qualityOf(contender(label, 1), place, sequence))
    expect(whole!.bias).toBeLessThan(1e-9)
    expect(short!.bias).toBeGreaterThan(0.01)
  })

  test('weigh losses as the events do: it is the gradient the trainer makes', async () => {
    const of = taskMaterial('adding:9', { cell: 'gru', hidden: 3, seed: 1 })
    const place = await placed(of)
    const { batch, loss } = sequenceOf(place)
    const found = gradients(rtrl, { ...place, model: of.model, batch, loss })(0)
    const online = trainer({ ...of, estimator: full(), optimizer: sgd(1), seed: 3, engine: 'reference' })
    await lastValueFrom(from(place.head).pipe(online.train()))
    const numbers = (tree: Tree<Tensor>): number[] =>
      leaves<Tensor>(tree, isTensor, 'g').flatMap(([, { data }]) => [...data])
    const moved = numbers(online.snapshot().params)
    for (const [i, before] of numbers(place.params).entries())
      expect(found[i]).toBeCloseTo(before - moved[i]!, 10)
    expect(Math.max(...found.map(Math.abs))).toBeGreaterThan(1e-3)
  })

  test('need two events at least', async () => {
    const place = await placed()
    expect(() => sequenceOf({ ...place, head: place.head.slice(0, 1) })).toThrow(
      'fox.txt begins with a sequence of one event; gradients go back over at least two',
    )
  })

  test('reach back to every lag, and are told of those that a quarter of the losses have', async () => {
    const place = { ...(await placed()), head: await headOf(material, 4) }
    const sequence = sequenceOf(place)
    expect([sequence.batch.xs.shape, sequence.batch.targets.shape]).toEqual([
      [4, 1],
      [4, 1],
    ])
    expect(lagsOf(place, sequence)).toHaveLength(3)
  })
})

test('the head of a race ends before the first reset', async () => {
  const short = { ...material, samples: () => resetAt(4) }
  const { head } = await race({ ...plan(['tbptt:2']), material: short, prefix: 6 }, never, () => {})
  expect(head).toHaveLength(4)
})

async function* resetAt(place: number) {
  for (let t = 0; t < 9; t++) {
    await Promise.resolve()
    yield { input: t % 3, target: 1, reset: t === place }
  }
}

describe('a comparison', () => {
  const make = async () => {
    const own = plan(['tbptt:2', 'artbp:4,4'])
    const raced = await race(own, never, () => {})
    return { own, raced, comparison: await measured(material, raced, 20, () => Promise.resolve(true)) }
  }
  let once: ReturnType<typeof make> | undefined
  const made = () => (once ??= make())

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
    expect(charts.map(({ id }) => id)).toEqual(['loss', 'flops', 'bytes', 'trade-off', 'lags', 'segments'])
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
    const { own, raced, comparison } = await made()
    for (const each of [comparison, unmeasured(material, raced)])
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

describe('a task', () => {
  const learner = { cell: 'gru', hidden: 3, seed: 2 } as const
  const own = (text: string, labels = ['tbptt:4', 'artbp:6,4']): Race => ({
    ...plan(labels),
    material: taskMaterial(text, learner),
    limits: { steps: 60 },
  })

  test.each(Object.keys(tasks))('%s is learned, measured, and told in its unit', async name => {
    const race_ = own(name === 'adding' ? 'adding:6' : name)
    const raced = await race(race_, never, () => {})
    const { results, baselines } = await measured(race_.material, raced, 9, () => Promise.resolve(true))
    for (const { standing, quality } of results) {
      expect([standing.broken, standing.events]).toEqual([undefined, 60])
      expect(standing.prequential).toBeGreaterThanOrEqual(0)
      expect(quality!.bias).toBeGreaterThanOrEqual(0)
    }
    for (const { value } of baselines) expect(value).toBeGreaterThan(0)
  })

  test.each([['tbptt:4'], ['rtrl']])(
    'whose first events leave no gradient is compared without, and %s says why',
    async label => {
      const race_ = own('adding:20', [label]) // the first of its losses comes behind the head
      const raced = await race(race_, never, () => {})
      const comparison = await measured(race_.material, raced, 9, () => Promise.resolve(true))
      expect(comparison.gradients).toBeUndefined()
      expect(notes(comparison)).toMatch(/bias, std: not measured: .+; estimators are compared with it/)
    },
  )

  test('begins anywhere as it would have got there', async () => {
    for (const name of Object.keys(tasks)) {
      const { samples } = taskMaterial(name, learner)
      const read = async (fromPlace: number, steps: number): Promise<Sample[]> => {
        const found: Sample[] = []
        for await (const sample of samples({ limits: { steps }, from: fromPlace, signal: never }))
          found.push(sample)
        return found
      }
      expect(await read(7, 12), name).toEqual((await read(0, 12)).slice(7))
    }
  })

  test('has series on a scale of mean 0 and deviation 1, and its figure in the unit of the series', async () => {
    const { samples, unit } = taskMaterial('mackey-glass', learner)
    const inputs: number[] = []
    for await (const { input } of samples({ limits: { steps: 1000 }, signal: never }))
      inputs.push((input as number[])[0]!)
    const mean = inputs.reduce((sum, x) => sum + x / 1000, 0)
    expect(mean).toBeCloseTo(0, 10)
    expect(inputs.reduce((sum, x) => sum + x ** 2 / 1000, 0)).toBeCloseTo(1, 6)
    expect([unit.name, unit.of(1) > 0.15 && unit.of(1) < 0.3]).toEqual(['RMSE', true])
  })

  test.each([
    ['chess', /^--task must be one of mackey-glass, lorenz, .+, drift, but is 'chess'$/],
    ['sine:4', "--task sine takes no number, but is 'sine:4'"],
    ['copy:0', "--task copy must be a whole number from 1 to 1000000, but is '0'"],
    ['toString', "but is 'toString'"],
  ])('%s is refused in one sentence', (text, sentence) => {
    expect(() => taskMaterial(text, learner)).toThrow(sentence)
  })
})

test('predictors of classes count as the events come: no class is certain, and all are equal at first', () => {
  const rivals = classYardsticks(2, nats => nats / Math.LN2)
  for (const target of [0, 0, 1]) rivals.see({ input: 0, target })
  // 1/2 · 2/3 · 1/4 = 1/12
  const [uniform, counted] = rivals.baselines
  expect([uniform!.value, 3 * counted!.value]).toEqual([1, expect.closeTo(Math.log2(12), 12)])
})
