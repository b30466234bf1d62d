import { describe, expect, test } from 'vitest'
import { showFinding } from '../../src/laws/finding.js'
import { coreLaws } from '../../src/laws/graph/core.js'
import { sumLaws } from '../../src/laws/graph/sums.js'
import { checkGraphLaws, graphLaws } from '../../src/laws/graphs.js'

const elsewhere = new Set([...coreLaws, ...sumLaws])

describe('2,000 random programs', () => {
  for (const law of graphLaws.filter(one => !elsewhere.has(one)))
    test(`keep the law: ${law.name}`, { timeout: 120_000 }, () => {
      const gates = law.analytic ? 0 : 0.2
      const { findings } = checkGraphLaws({ laws: [law], runs: 2000, seed: 20_262, gates })
      expect(findings.map(showFinding)).toEqual([])
    })
})
