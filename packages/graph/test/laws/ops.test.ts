import { describe, expect, test } from 'vitest'
import { showFinding } from '../../src/laws/finding.js'
import { opLaws } from '../../src/laws/ops.js'
import { ops } from '../../src/ops/all.js'
import { contract } from '../../src/ops/contract.js'
import { gateOp } from '../../src/ops/credit.js'
import { faulty, right } from './faulty.js'

describe('every op keeps the laws of its declaration', () => {
  for (const spec of ops)
    test(`${spec.name} does what it declares`, () => {
      expect(opLaws(spec, { points: 4 }).findings.map(showFinding)).toEqual([])
    })
})

describe('opLaws', () => {
  test('an op declared rightly passes, by its spec and by itself', () => {
    expect(opLaws(right)).toMatchObject({ ok: true, findings: [], skipped: [], seed: 1 })
    expect(opLaws(right.spec).checked).toBeGreaterThan(50)
  })

  for (const [law, spec] of Object.entries(faulty))
    test(`an op that breaks '${law}' is named with the law, the case and the seed`, () => {
      const { ok, findings } = opLaws(spec, { seed: 9 })
      expect(ok).toBe(false)
      expect(findings.map(found => found.law)).toContain(law)
      expect(findings[0]).toMatchObject({ where: 'twiceSquare', seed: expect.any(Number) })
      expect(showFinding(findings[0]!)).toMatch(/^twiceSquare .*breaks '.*\(seed \d+\)$/s)
    })

  test('finite differences are skipped for a gate, with the reason', () => {
    expect(opLaws(gateOp).skipped).toEqual([
      { law: 'finite-difference', reason: 'the derivative of gate is declared, not that of its value' },
      { law: 'second-order', reason: 'the derivative of gate is declared, not that of its value' },
    ])
  })

  test('saves that nothing reads are found over all cases', () => {
    const { findings } = opLaws({ ...right.spec, saves: ['x', 'y'] })
    expect(findings).toEqual([
      {
        law: 'saves',
        where: 'twiceSquare',
        case: 'in every case',
        detail: 'saves declares y, which no derivative reads',
        seed: 1,
      },
    ])
  })

  test('cases of one’s own are tried beside the op’s', () => {
    const cases = [{ shapes: [['T', 2], [2]], attrs: { spec: 'ti,i->t' } }]
    const { ok, checked } = opLaws(contract, { cases, axes: { T: 5 }, points: 1 })
    expect(ok).toBe(true)
    expect(checked).toBe(opLaws(contract, { points: 1 }).checked + 14)
  })

  test('contract costs two operations per product', () => {
    const run = { attrs: { spec: 'mk,kn->mn' }, shapes: [[2, 4]], bindings: new Map() }
    expect(
      contract.spec.flops(
        [
          [2, 3],
          [3, 4],
        ],
        run,
      ),
    ).toBe(2 * 2 * 3 * 4)
  })
})
