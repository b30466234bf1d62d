import { describe, expect, test } from 'vitest'
import { html, type Page } from '../src/page/page.js'
import { sparkline } from '../src/spark.js'

const nasty = '</script><b>&"'
const page: Page = {
  title: nasty,
  lead: nasty,
  facts: [[nasty, nasty]],
  table: { head: [nasty, 'n'], rows: [[nasty, '1']], note: nasty },
  charts: [
    {
      id: 'loss',
      title: nasty,
      note: nasty,
      kind: 'line',
      x: { label: nasty },
      y: { label: 'y' },
      at: [1, 2],
      series: [{ name: nasty, y: [1, null] }],
    },
  ],
}

describe('a page', () => {
  const text = html(page)

  test('takes names as text, in HTML and in data', () => {
    expect(text).not.toContain(nasty)
    expect(text).not.toContain('<b>')
    expect(text.match(/<\/script>/g)).toHaveLength(3)
    const [, data] = /id="data">(.*?)<\/script>/.exec(text) ?? []
    expect(JSON.parse(data!)).toEqual(page.charts)
  })

  test('names no other place, and forbids itself the network', () => {
    expect(text.match(/\s(?:src|href)\s*=\s*|url\(|@import/g)).toBeNull()
    expect(text).toContain(
      `content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"`,
    )
  })
})

describe('a sparkline', () => {
  test.each([
    [[0, 1, 2, 3, 4, 5, 6, 7], 8, '▁▂▃▄▅▆▇█'],
    [[0, 0, 7, 7], 2, '▁█'],
    [[5, 5], 9, '▁▁'],
    [[1, Number.NaN, 2], 9, '▁ █'],
    [[], 9, ''],
  ])('of %j in %i signs is %j', (values, width, line) => {
    expect(sparkline(values, width)).toBe(line)
  })
})
