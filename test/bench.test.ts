import { describe, expect, test } from 'vitest'
import { readOptions, sections } from './bench/options.js'
import { drift, median, quantile } from './bench/statistics.js'
import { cell, table } from './bench/table.js'
import { balancing, dataOf, flopsOf, oneHot, startOf, workloads } from './bench/workloads.js'

describe('the options of the benchmark', () => {
  test('are all workloads in all engines, the training steps only, where nothing is given', () => {
    expect(readOptions([])).toEqual({
      sections: ['steps'],
      engines: ['ours', 'jax', 'tfjs'],
      workloads: ['W1', 'W2', 'W3', 'W4', 'W5', 'W6', 'W7'],
      json: false,
      fma: false,
      repeats: undefined,
      seconds: 3,
      slow: false,
    })
  })

  test('pick engines, workloads and sections, in the order they run', () => {
    const picked = readOptions(['--json', '--only', 'ours', '--workload', 'W3,W1', '--repeats', '7'])
    expect(picked).toMatchObject({ json: true, engines: ['ours'], workloads: ['W1', 'W3'], repeats: 7 })
    expect(readOptions(['--sections', 'build,kernels']).sections).toEqual(['kernels', 'build'])
  })

  test('take in the soak only where it is asked for', () => {
    expect(readOptions(['--all']).sections).toEqual(sections.filter(name => name !== 'soak'))
    expect(readOptions(['--soak']).sections).toEqual(['soak'])
    expect(readOptions(['--all', '--soak']).sections).toEqual(sections)
  })

  test.each([
    [['--only', 'torch'], "--only: no 'torch'; there are ours, jax, tfjs"],
    [['--workload', 'W8'], "--workload: no 'W8'; there are W1, W2, W3, W4, W5, W6, W7"],
    [['--repeats', '0'], "--repeats is '0'; a number of at least 1 is needed"],
    [['--seconds', 'many'], "--seconds is 'many'; a number of at least 0 is needed"],
  ])('refuse %j with a sentence that says what is allowed', (args, sentence) => {
    expect(() => readOptions(args)).toThrow(sentence)
  })
})

describe('a quantile', () => {
  test('is a member of the sample, which is left as it was', () => {
    const sample = [4, 1, 3, 2]
    expect([0, 0.25, 0.5, 0.75, 1].map(p => quantile(sample, p))).toEqual([1, 1, 2, 3, 4])
    expect(median([3, 1, 2])).toBe(2)
    expect(sample).toEqual([4, 1, 3, 2])
  })

  test('of nothing is refused', () => {
    expect(() => quantile([], 0.5)).toThrow('the sample is empty')
  })
})

describe('the drift of two traces', () => {
  test('is the largest relative distance where both go', () => {
    expect(drift([1, 2, 4], [1, 2.5])).toBeCloseTo(0.2, 12)
    expect(drift([0, 3], [0, 3])).toBe(0)
  })

  test('is no number where a trace is not finite', () => {
    expect(drift([1, Number.NaN], [1, 1])).toBeNaN()
    expect(drift([1], [Number.POSITIVE_INFINITY])).toBeNaN()
  })
})

describe('a table of findings', () => {
  test('has a column for every name, words to the left and numbers to the right', () => {
    expect(
      table([
        { engine: 'ours', ms: 0.5 },
        { engine: 'jax', ms: 12, ratio: 24 },
      ]),
    ).toEqual(['engine   ms  ratio', 'ours    0.5', 'jax      12     24'])
    expect(table([])).toEqual([])
  })

  test.each([
    [12345.6, '12346'],
    [1.23456, '1.235'],
    [0.25, '0.25'],
    [1.5e-7, '1.5e-7'],
    [7, '7'],
    [true, 'true'],
    [undefined, ''],
  ])('shows %s as %j', (value, text) => {
    expect(cell(value)).toBe(text)
  })
})

describe('the workloads', () => {
  test('count the products of a training step', () => {
    const small = workloads.find(({ name }) => name === 'W2')!
    const recurrent = 3 * 128 * 512
    expect(flopsOf(small)).toBe(2 * 50 * (recurrent + 2 * 64 * 512 + 3 * 128 * 64))
  })

  test('have the same data every time, of the sizes they say', () => {
    for (const work of workloads) {
      const { xs, targets } = dataOf(work)
      const rows = work.steps * work.batch
      expect(xs).toHaveLength(rows * work.inputs)
      expect(targets).toHaveLength(rows * (work.loss === 'squared' ? work.outputs : 1))
    }
    const [tiny] = workloads
    expect(dataOf(tiny!)).toEqual(dataOf(tiny!))
  })

  test('start from parameters that float32 holds exactly', () => {
    const [tiny] = workloads
    const start = startOf(tiny!)
    expect(start.get('weight_hh')!.shape).toEqual([32, 32])
    for (const { data } of start.values()) expect(data).toEqual(data.map(Math.fround))
  })

  test('write class numbers as rows with a one', () => {
    expect([...oneHot(Float32Array.of(2, 0), 3)]).toEqual([0, 0, 1, 1, 0, 0])
  })

  test('push the first ten entries of influence balancing up and the others down', () => {
    expect([...balancing.A(3).data]).toEqual([0.5, 0.5, 0, 0, 0.5, 0.5, 0, 0, 0.5])
    expect([...balancing.v(12).data]).toEqual([...Array<number>(10).fill(1), -1, -1])
  })
})
