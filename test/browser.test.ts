import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fresh } from '../.house/build.mjs'
import { ask, findChromium, inChromium, launch } from './browser/chromium.js'
import * as experiment from './browser/experiment.js'
import * as hosted from './browser/hosted.js'
import { type Site, serve } from './browser/site.js'

const path = findChromium()
if (path !== undefined && !fresh())
  throw new Error(
    'The packages are not built, or were built from other sources than these: run `npm test`, which builds them first.',
  )

describe.skipIf(path === undefined)(inChromium(path), () => {
  let [site, browser, context]: [Site?, Browser?, BrowserContext?] = []
  const errors: string[] = []
  beforeAll(async () => {
    site = await serve()
    browser = await launch(path!)
    context = await browser.newContext()
  })
  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })

  /** The empty page. `first` runs in it before any other script. */
  async function open(first = '', path = '/'): Promise<Page> {
    const page = await context!.newPage()
    page.on('pageerror', error => errors.push(error.message))
    if (first !== '') await page.addInitScript(first)
    await page.goto(site!.origin + path)
    return page
  }

  test.each([
    '@bptt/graph',
    '@bptt/graph/op',
    '@bptt/graph/bytes',
    '@bptt/graph/onnx',
    '@bptt/unroll',
    '@bptt/stream',
    '@bptt/stream/sources',
    '@bptt/stream/sinks',
    '@bptt/stream/worker',
  ])('%s loads, so it imports nothing of Node, and asks no other host', async door => {
    const page = await open()
    const asked: string[] = []
    page.on('request', request => asked.push(new URL(request.url()).origin))
    const names = await page.evaluate(`import('${door}').then(door => Object.keys(door).sort())`)
    expect(names).toEqual(Object.keys(await import(door)).sort())
    expect([...new Set(asked)]).toEqual([site!.origin])
  })

  test('a trainer in a worker of the page gives the reports of one here, and the page stays free', async () => {
    const page = await open()
    const run = "import('/test/browser/hosted.ts').then(({ inWorker }) => inWorker())"
    const found = (await page.evaluate(run)) as Awaited<ReturnType<typeof hosted.inWorker>>
    expect(found.reports).toEqual(await hosted.here())
    expect(found.turns).toBeGreaterThan(0)
  })

  test('the example of docs/examples/browser-worker learns, and its page counts on', async () => {
    const page = await open('', '/docs/examples/browser-worker/index.html')
    const turns = async (): Promise<number> => Number(await page.textContent('#turns'))
    await page.waitForFunction("document.querySelector('#progress').textContent.includes('learned')")
    const before = await turns()
    await page.waitForFunction("document.querySelector('#progress').textContent.endsWith('done')")
    expect(await turns()).toBeGreaterThan(before)
    const [, events, loss] = /^(\d+) values learned from, loss ([\d.]+), done$/.exec(
      (await page.textContent('#progress'))!,
    )!
    expect(Number(events)).toBe(10_000)
    expect(Number(loss)).toBeLessThan(0.001)
  }, 60_000)

  describe.each(['a page', 'a worker'] as const)('%s', place => {
    let page: Page
    beforeAll(async () => {
      page = await open()
    })

    const give = <T>(name: keyof typeof experiment, argument?: unknown): Promise<T> =>
      ask<T>(page, place, name, argument)

    test('is not cross-origin isolated', async () => {
      expect(await give('isolated')).toBe(false)
    })

    test.each([
      ['float64', 'fast', 1e-9],
      ['float64', 'portable', 1e-9],
      ['float32', 'fast', 1e-4],
      ['float32', 'portable', 1e-4],
    ] as const)(
      'compiles the gradient of an LSTM timeline in %s, %s, and evaluate agrees within %d',
      async (dtype, flavour, bound) => {
        expect(await give<number>('distance', { dtype, flavour })).toBeLessThan(bound)
      },
    )

    test.each(['float64', 'float32'] as const)(
      "has Node's bits in the portable gradient in %s",
      async dtype => {
        const engine = { dtype, flavour: 'portable' } as const
        expect(await give('gradientBits', engine)).toEqual(experiment.gradientBits(engine))
      },
    )

    test.each(['float64', 'float32'] as const)(
      "trains on a stream in %s: the loss falls, on Node's bits",
      async dtype => {
        const engine = { dtype, flavour: 'portable' } as const
        const found = await give<ReturnType<typeof experiment.train>>('train', engine)
        expect(found).toEqual(experiment.train(engine))
        expect(found.reports.at(-1)!.events).toBe(500)
        expect(found.reports[0]!.loss).toBeGreaterThan(1)
        expect(found.reports.at(-1)!.loss).toBeLessThan(0.1)
      },
    )
  })

  test('a page that is not isolated has no threads, and says what would give it some', async () => {
    expect(await ask(await open(), 'a page', 'refusal', 2)).toBe(
      "no-threads | compile: this page has no memory that threads can share; that needs cross-origin isolation\nhint: serve it with 'Cross-Origin-Opener-Policy: same-origin' and 'Cross-Origin-Embedder-Policy: require-corp', or compile with threads: 1",
    )
  })

  test.each(['a page', 'a worker'] as const)(
    "%s that is isolated has Node's bits in the gradient of two threads",
    async place => {
      const page = await open('', '/isolated')
      const engine = { dtype: 'float32', flavour: 'portable' } as const
      expect(await ask(page, place, 'isolated')).toBe(true)
      const found = await ask(page, place, 'threadedBits', engine)
      expect(found).toEqual(experiment.threadedBits(engine))
    },
  )

  describe.each([
    ['without WebAssembly', 'delete globalThis.WebAssembly', 'this JavaScript engine has no WebAssembly'],
    [
      'without SIMD',
      'WebAssembly.validate = () => false',
      'this JavaScript engine has WebAssembly without SIMD',
    ],
  ])('a page %s', (_, first, sentence) => {
    let page: Page
    beforeAll(async () => {
      page = await open(first)
    })

    test('gets one sentence that says so', async () => {
      expect(await ask(page, 'a page', 'refusal')).toBe(`no-simd | compile: ${sentence}`)
    })

    test('still trains by the reference engine', async () => {
      const engine = { engine: 'reference' }
      const { reports } = await ask<ReturnType<typeof experiment.train>>(page, 'a page', 'train', engine)
      expect(reports.at(-1)!.loss).toBeLessThan(0.1)
    })
  })

  test('every page has all it asked for, and no error that nobody met', () => {
    expect(site!.missing).toEqual([])
    expect(errors).toEqual([])
  })
})

describe('the search for Chromium', () => {
  test('takes what BPTT_CHROMIUM names before the usual places', () => {
    expect(findChromium({ BPTT_CHROMIUM: '/opt/c' }, () => true)).toBe('/opt/c')
    expect(findChromium({}, path => path.endsWith('-browser'))).toBe('/usr/bin/chromium-browser')
    expect(findChromium({}, () => false)).toBe(undefined)
  })

  test('refuses a name that leads nowhere', () => {
    expect(() => findChromium({ BPTT_CHROMIUM: '/opt/c' }, () => false)).toThrow(
      "BPTT_CHROMIUM is '/opt/c', where no file is; it is the path of a Chromium to test in",
    )
  })

  test('puts into the name of skipped tests what would let them run', () => {
    expect(inChromium(undefined)).toBe(
      'in Chromium (not installed here: apt-get install chromium, or set BPTT_CHROMIUM)',
    )
    expect(inChromium('/usr/bin/chromium')).toBe('in Chromium')
  })
})
