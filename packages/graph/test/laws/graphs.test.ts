import { describe, expect, test } from 'vitest'
import { showFinding } from '../../src/laws/finding.js'
import { coreLaws } from '../../src/laws/graph/core.js'
import { sumLaws } from '../../src/laws/graph/sums.js'
import { checkGraphLaws } from '../../src/laws/graphs.js'

const findings = (options: Parameters<typeof checkGraphLaws>[0]): readonly string[] =>
  checkGraphLaws(options).findings.map(showFinding)

describe('2,000 random programs', () => {
  for (const law of [...coreLaws, ...sumLaws])
    test(`keep the law: ${law.name}`, { timeout: 120_000 }, () => {
      const gates = law.analytic ? 0 : 0.2
      expect(findings({ laws: [law], runs: 2000, seed: 20_261, gates })).toEqual([])
    })
})
