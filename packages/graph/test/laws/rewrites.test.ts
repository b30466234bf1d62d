import { describe, expect, test } from 'vitest'
import { showFinding } from '../../src/laws/finding.js'
import { coreLaws } from '../../src/laws/graph/core.js'
import { sumLaws } from '../../src/laws/graph/sums.js'
import { checkGraphLaws, graphLaws } from '../../src/laws/graphs.js'

const elsewhere = new Set([...coreLaws, ...sumLaws])
const laws = graphLaws.filter(one => !elsewhere.has(one))

// one set of programs for all laws: to make a program takes as long as to try a law on it; a finding names its law
describe('2,000 random programs', () => {
  test.each([
    ['with gates keep the laws of transforms', 0.2, laws.filter(({ analytic }) => !analytic)],
    ['without gates keep those that numbers show', 0, laws.filter(({ analytic }) => analytic)],
  ])('%s', { timeout: 300_000 }, (_, gates, laws) => {
    const { findings, checked } = checkGraphLaws({ laws, runs: 2000, seed: 20_262, gates })
    expect({ findings: findings.map(showFinding), checked }).toEqual({
      findings: [],
      checked: 2000 * laws.length,
    })
  })
})
