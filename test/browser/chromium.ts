import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'

const usual = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/**
 * The program to run: what BPTT_CHROMIUM names, or the first of the usual places of Debian that holds one.
 * @throws Error where BPTT_CHROMIUM names no file.
 */
export function findChromium(
  env: Readonly<Record<string, string | undefined>> = process.env,
  exists: (path: string) => boolean = existsSync,
): string | undefined {
  const named = env['BPTT_CHROMIUM']
  if (named === undefined || named === '') return usual.find(exists)
  if (exists(named)) return named
  throw new Error(`BPTT_CHROMIUM is '${named}', where no file is; it is the path of a Chromium to test in`)
}

/** The name of tests that need Chromium. */
export function inChromium(path: string | undefined): string {
  return path === undefined
    ? 'in Chromium (not installed here: apt-get install chromium, or set BPTT_CHROMIUM)'
    : 'in Chromium'
}

/** Starts it without a window, in an empty profile of its own, with nothing that asks the network. */
export function launch(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    headless: true,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** Where an experiment runs: in a page itself, or in a module worker of it. */
export type Place = 'a page' | 'a worker'

/** What a function of the experiment gives there. One page has one worker. */
export async function ask<T>(page: Page, place: Place, name: string, argument?: unknown): Promise<T> {
  const call = JSON.stringify([name, argument])
  const found = await page.evaluate(place === 'a page' ? inPage(call) : inWorker(call))
  return found as T
}

// As text: what runs in a browser must not pass through the test runner's own module loader.

const inPage = (call: string): string => `(async ([name, argument]) => {
  const experiment = await import('/test/browser/experiment.ts')
  return experiment[name](argument)
})(${call})`

const inWorker = (call: string): string => `new Promise((resolve, reject) => {
  globalThis.worker ??= new Worker('/worker.js', { type: 'module' })
  worker.onmessage = ({ data }) => resolve(data)
  worker.onerror = ({ message }) => reject(new Error(message ?? 'the worker does not load'))
  worker.postMessage(${call})
})`
