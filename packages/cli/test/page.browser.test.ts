import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { adam } from '@bptt/stream'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findChromium, inChromium, launch } from '../../../test/browser/chromium.js'
import { contenders } from '../src/compare/contender.js'
import { pageOf } from '../src/compare/page.js'
import { race } from '../src/compare/race.js'
import { measured } from '../src/compare/result.js'
import { taskMaterial } from '../src/compare/task.js'
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
const apart = {
  at: [1, 2, 3, 4, 5, 6],
  series: [
    { name: 'a', y: [1, null, 3, null, 2, null] },
    { name: 'b', y: [null, 2, null, 4, null, 1] },
  ],
}
const gaps: readonly Chart[] = [
  { ...base, ...apart, id: 'gaps', kind: 'line' },
  { ...base, ...apart, id: 'joined', kind: 'line', joined: true },
]

/** A comparison of every kind of estimator, as `bptt compare --html` writes it. */
async function comparisonPage(): Promise<string> {
  const material = taskMaterial('sine', { cell: 'elman', hidden: 3, seed: 1 })
  const labels = ['full:10', 'tbptt:2', 'artbp:4,4', 'bptt:6,2', 'rtrl', 'snap', 'uoro']
  const plan = {
    material,
    optimizer: adam(0.01),
    contenders: contenders(labels, 1),
    seed: 1,
    limits: { steps: 120 },
    prefix: 8,
  }
  const raced = await race(plan, new AbortController().signal, () => {})
  return html(pageOf(plan, await measured(material, raced, 9, () => Promise.resolve(true)), 'Adam'))
}

const page = html({
  title: 'A report',
  lead: 'What was done.',
  facts: [['Model', 'x'.repeat(100)]],
  table: { head: ['name', ...'abcdefgh'], rows: [['a'.repeat(30), ...'12345678']], note: 'Note.' },
  charts: [...charts, ...gaps],
})

interface Seen {
  readonly overflow: number
  /** Different colours in the canvas of each chart. */
  readonly colours: readonly number[]
  /** Pixels that are not grey in it. */
  readonly bright: readonly number[]
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
  const bright = canvas => {
    const { data } = copied(canvas).getImageData(0, 0, canvas.width, canvas.height)
    let found = 0
    for (let i = 0; i < data.length; i += 4)
      if (data[i + 3] > 0 && Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]) > 60) found++
    return found
  }
  const { scrollWidth } = document.documentElement
  return {
    overflow: scrollWidth - innerWidth,
    colours: canvases.map(canvas => colours(canvas).size),
    bright: canvases.map(bright),
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
    await writeFile(join(folder, 'comparison.html'), await comparisonPage())
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    if (folder !== undefined) await rm(folder, { recursive: true })
  })

  const open = async (width: number, colorScheme: 'light' | 'dark', name = 'report.html', count = 6) => {
    const context = await browser!.newContext({ viewport: { width, height: 800 }, colorScheme })
    const tab = await context.newPage()
    const [asked, complaints]: [string[], string[]] = [[], []]
    tab.on('request', request => asked.push(request.url()))
    tab.on('pageerror', error => complaints.push(error.message))
    tab.on('console', message => complaints.push(message.text()))
    const url = pathToFileURL(join(folder!, name)).href
    await tab.goto(url)
    await tab.waitForFunction(`document.querySelectorAll('.chart canvas').length === ${count}`)
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

  test.each([
    [390, 'dark'],
    [1280, 'light'],
  ] as const)('draws every chart of a comparison, %i pixels wide and %s', async (width, scheme) => {
    const { context, asked, complaints, url, seen } = await open(width, scheme, 'comparison.html')
    const { overflow, bright } = await seen()
    expect(overflow).toBeLessThanOrEqual(0)
    for (const pixels of bright) expect(pixels).toBeGreaterThan(50)
    expect([complaints, asked]).toEqual([[], [url]])
    await context.close()
  })

  test('joins the points of a line over those of another where that is asked for', async () => {
    const { context, seen } = await open(800, 'light')
    const [gaps, joined] = (await seen()).bright.slice(-2)
    expect(joined).toBeGreaterThan(5 * gaps!)
    await context.close()
  })

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
