import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { faults } from './faults.mjs'

const source = (file: string): string => readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8')

test('every planted fault changes text that stands exactly once in the source', () => {
  const odd = faults.filter(({ file, find }) => source(file).split(find).length !== 2)
  expect(odd.map(({ file, find }) => `${file}: ${find}`)).toEqual([])
})

test('planted faults are many, differ, and change something', () => {
  expect(faults.length).toBeGreaterThanOrEqual(35)
  expect(new Set(faults.map(({ file, find, replace }) => `${file} ${find} ${replace}`)).size).toBe(
    faults.length,
  )
  expect(faults.filter(({ find, replace }) => find === replace)).toEqual([])
})
