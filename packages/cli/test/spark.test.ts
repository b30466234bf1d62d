import { expect, test } from 'vitest'
import { withSparkline } from '../src/spark.js'

const values = Array.from({ length: 100 }, (_, i) => 100 - i)

test.each([
  ['is not shown where there is no terminal', values, 0, 'loss'],
  ['is not shown where under 8 signs are left for it', values, 12, 'loss'],
  ['is not shown before there are two values', [1], 80, 'loss'],
  ['takes what the line leaves', values, 13, '█▇▆▅▄▃▂▁ loss'],
  ['is no longer than the values', [1, 2], 80, '▁█ loss'],
])('the curve of a live line %s', (_, given, columns, line) => {
  expect(withSparkline('loss', given, columns)).toBe(line)
})

test('the curve of a live line has 24 signs at most, and the line stays within the columns', () => {
  expect(withSparkline('loss', values, 200)).toHaveLength(24 + 5)
  for (let columns = 0; columns < 60; columns++)
    expect(withSparkline('loss', values, columns).length).toBeLessThanOrEqual(Math.max(4, columns))
})
