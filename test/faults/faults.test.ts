import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { faults as graph } from '../../packages/graph/test/faults/faults.mjs'
import { faults as stream } from '../../packages/stream/test/faults/faults.mjs'
import { faults as unroll } from '../../packages/unroll/test/faults/faults.mjs'

describe.each([
  ['graph', graph, 40],
  ['unroll', unroll, 35],
  ['stream', stream, 25],
] as const)('the planted faults of %s', (name, faults, least) => {
  const source = (file: string): string =>
    readFileSync(new URL(`../../packages/${name}/src/${file}`, import.meta.url), 'utf8')

  test('each change text that stands exactly once in the source', () => {
    const odd = faults.filter(({ file, find }) => source(file).split(find).length !== 2)
    expect(odd.map(({ file, find }) => `${file}: ${find}`)).toEqual([])
  })

  test('are many, differ, and change something', () => {
    expect(faults.length).toBeGreaterThanOrEqual(least)
    expect(new Set(faults.map(({ file, find, replace }) => `${file} ${find} ${replace}`)).size).toBe(
      faults.length,
    )
    expect(faults.filter(({ find, replace }) => find === replace)).toEqual([])
  })
})
