import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { verifyFile } from '../packages/cli/src/verify/file.js'

const folder = new URL('golden/', import.meta.url)
const files = readdirSync(folder).filter(name => name.endsWith('.json'))

/** Entries by file: how many are compared, none is passed over. */
const compared = {
  '01-linear.json': 78,
  '02-elman.json': 58,
  '03-lstm.json': 58,
  '04-gru.json': 58,
  '05-stack.json': 56,
  '06-resets.json': 45,
  '07-optim.json': 38,
  '08-products.json': 67,
  '09-lags.json': 68,
  '10-influence.json': 14,
  '11-expectation.json': 96,
}

describe('the reference values of PyTorch', () => {
  test('are the files with a count below', () => {
    expect(files.sort()).toEqual(Object.keys(compared))
  })

  test('are 636 entries', () => {
    expect(Object.values(compared).reduce((all, entries) => all + entries)).toBe(636)
  })

  test.each(Object.entries(compared))('in %s agree within 1e-9 in all of %i entries', (name, entries) => {
    const found = verifyFile(JSON.parse(readFileSync(new URL(name, folder), 'utf8')), name)
    expect(found.filter(({ worst, note }) => note !== undefined || !(worst <= 1e-9))).toEqual([])
    expect(found).toHaveLength(entries)
  })
})
