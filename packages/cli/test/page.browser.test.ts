import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findChromium, inChromium, launch } from '../../../test/browser/chromium.js'
import type { Chart } from '../src/page/chart.js'
import { html } from '../src/page/page.js'

const path = findChromium()
const base = { title: 'Title', note: 'What one sees.', x: { label: 'x' }, y: { label: 'y' }, at: [1, 2, 3] }
const long = 'an estimator with a name that is quite long: '
const charts: readonly Chart[] = [
  {
    ...base,
    id: 'line',
    kind: 'line',
    series: [
      ...Array.from({ length: 7 }, (_, i) => ({ name: long + i, y: [3, null, i] })),
      { name: 'level', y: [2, 2, 2], muted: true },
    ],
  },
  { ...base, id: 'step', kind: 'step', x: { label: 'x', log: true }, series: [{ name: 'a', y: [3, 2, 1] }] },
  {
    ...base,
    id: 'points',
    kind: 'points',
    y: { label: 'y', log: true },
    series: [{ name: 'a', y: [1, 0.1, 1e-9] }],
  },
  {
    ...base,
    id: 'bubbles',
    kind: 'bubbles',
    y: { label: 'y', min: -1, max: 5 },
    series: [
      { name: 'a', y: [4, null, null], size: 40 },
      { name: 'b', y: [4, null, null], size: 10 },
    ],
  },
]
const page = html({
  title: 'A report',
  lead: 'What was done.',
  facts: [['Model', 'x'.repeat(100)]],
  table: { head: ['name', ...'abcdefgh'], rows: [['a'.repeat(30), ...'12345678']], note: 'Note.' },
  charts,
})

interface Seen {
  readonly overflow: number
  /** Different colours in the canvas of each chart. */
  readonly colours: readonly number[]
  readonly background: string
  readonly ink: string
}

// As text: what runs in a browser must not pass through the test runner's own module loader.
const look = `(() => {
  // a copy, so that the page's own canvas is left as it is
  const copied = canvas => {
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true })
    copy.drawImage(canvas, 0, 0)
    return copy
  }
  const canvases = [...document.querySelectorAll('.chart canvas')]
  const colours = canvas => {
    const { data } = copied(canvas).getImageData(0, 0, canvas.width, canvas.height)
    const found = new Set()
    for (let i = 0; i < data.length; i += 4) if (data[i + 3] === 255) found.add(data[i] << 16 | data[i + 1] << 8 | data[i + 2])
    return found
  }
  const { scrollWidth } = document.documentElement
  return {
    overflow: scrollWidth - innerWidth,
    colours: canvases.map(canvas => colours(canvas).size),
    background: getComputedStyle(document.body).backgroundColor,
    ink: [...colours(canvases[1])].join(),
  }
})()`

describe.skipIf(path === undefined)(`the report page ${inChromium(path)}`, () => {
  let [browser, folder]: [Browser?, string?] = []
  beforeAll(async () => {
    browser = await launch(path!)
    folder = await mkdtemp(join(tmpdir(), 'bptt-page-'))
    await writeFile(join(folder, 'report.html'), page)
  })
  afterAll(async () => {
    await browser?.close()
    if (folder !== undefined) await rm(folder, { recursive: true })
  })

  const open = async (width: number, colorScheme: 'light' | 'dark') => {
    const context = await browser!.newContext({ viewport: { width, height: 800 }, colorScheme })
    const tab = await context.newPage()
    const [asked, complaints]: [string[], string[]] = [[], []]
    tab.on('request', request => asked.push(request.url()))
    tab.on('pageerror', error => complaints.push(error.message))
    tab.on('console', message => complaints.push(message.text()))
    const url = pathToFileURL(join(folder!, 'report.html')).href
    await tab.goto(url)
    await tab.waitForFunction(`document.querySelectorAll('.chart canvas').length === ${charts.length}`)
    const seen = async (): Promise<Seen> => {
      await tab.evaluate('new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))')
      return (await tab.evaluate(look)) as Seen
    }
    return { context, tab, asked, complaints, url, seen }
  }

  test.each([
    [320, 'light'],
    [390, 'dark'],
    [1280, 'light'],
    [1280, 'dark'],
  ] as const)(
    'draws every chart %i pixels wide and %s, without a sideways scroll, a complaint or a request',
    async (width, scheme) => {
      const { context, asked, complaints, url, seen } = await open(width, scheme)
      const { overflow, colours } = await seen()
      expect(overflow).toBeLessThanOrEqual(0)
      for (const count of colours) expect(count).toBeGreaterThan(1)
      expect([complaints, asked]).toEqual([[], [url]])
      await context.close()
    },
  )

  test('follows the reader from light to dark, page and charts', async () => {
    const { context, tab, seen } = await open(800, 'light')
    const light = await seen()
    await tab.emulateMedia({ colorScheme: 'dark' })
    const dark = await seen()
    expect(dark.background).not.toBe(light.background)
    expect(dark.ink).not.toBe(light.ink)
    await context.close()
  })

  test('fits itself to a window that is made narrower', async () => {
    const { context, tab, seen } = await open(1280, 'light')
    await seen()
    await tab.setViewportSize({ width: 360, height: 800 })
    expect((await seen()).overflow).toBeLessThanOrEqual(0)
    await context.close()
  })
})
