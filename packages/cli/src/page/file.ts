import { readFile } from 'node:fs/promises'
import { writeAtomic } from '@bptt/stream/node'
import { checkTarget } from '../savefile.js'
import { generator, html, type Page } from './page.js'

/**
 * Checks, before any work is done, that a page can be written at `path`, and that nothing but a page is replaced there.
 * @throws Failure where it cannot.
 */
export function checkPagePath(path: string): Promise<void> {
  return checkTarget(path, 'a page', holdsPage)
}

async function holdsPage(path: string): Promise<boolean> {
  return (await readFile(path, 'latin1')).includes(`<meta name="generator" content="${generator}">`)
}

/** Writes a page, whole or not at all. Throws GraphError `cannot-write`. */
export function writePage(path: string, page: Page): Promise<void> {
  return writeAtomic(path, new TextEncoder().encode(html(page)))
}
