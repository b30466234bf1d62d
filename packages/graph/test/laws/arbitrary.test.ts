import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { check } from '../../src/check.js'
import type { Graph } from '../../src/graph.js'
import { print } from '../../src/index.js'
import {
  arbitraryGraph,
  arbitraryProgram,
  arbitraryShape,
  arbitraryTensor,
  checkGraphLaws,
  graphLaws,
} from '../../src/laws/index.js'
import { caller } from '../../src/laws/mapping.js'
import { faulty } from './faulty.js'

const opsOf = (graph: Graph): readonly string[] =>
  graph.nodes.flatMap(node =>
    node.kind === 'apply'
      ? [node.op.name, ...(node.op.inner ? opsOf(node.op.inner(node.attrs).graph) : [])]
      : [],
  )

describe('arbitraryProgram', () => {
  const programs = fc.sample(arbitraryProgram(), { numRuns: 1000, seed: 1 })

  test('makes well-formed programs with finite values', () => {
    for (const { graph, inputs } of programs) {
      check(graph)
      expect(caller(graph)(inputs).every(({ data }) => data.every(Number.isFinite))).toBe(true)
    }
  })

  test('makes loops, loops in loops, named axes, shared values, dead code, constants and several outputs', () => {
    const having = (has: (graph: Graph) => boolean): number =>
      programs.filter(({ graph }) => has(graph)).length
    const loops = (graph: Graph): number => opsOf(graph).filter(name => name === 'scan').length
    const reads = (graph: Graph): readonly number[] =>
      graph.nodes.flatMap(node => (node.kind === 'apply' ? [...new Set(node.inputs)] : []))
    expect(having(graph => loops(graph) > 0)).toBeGreaterThan(100)
    expect(having(graph => graph.shapes.some(shape => shape.includes('T')))).toBeGreaterThan(100)
    expect(having(graph => new Set(reads(graph)).size < reads(graph).length)).toBeGreaterThan(500)
    expect(having(graph => graph.outputs.length > 1)).toBeGreaterThan(300)
    expect(having(graph => graph.nodes.some(node => node.kind === 'constant'))).toBeGreaterThan(500)
    const nested = (graph: Graph): boolean =>
      graph.nodes.some(
        node =>
          node.kind === 'apply' && node.op.inner !== undefined && loops(node.op.inner(node.attrs).graph) > 0,
      )
    expect(having(nested)).toBeGreaterThan(5)
  })

  test('uses nearly every op', () => {
    expect(new Set(programs.flatMap(({ graph }) => opsOf(graph))).size).toBeGreaterThan(45)
  })

  test('has gates only where they are asked for', () => {
    expect(programs.every(({ graph, analytic }) => analytic && !opsOf(graph).includes('gate'))).toBe(true)
    const gated = fc.sample(arbitraryProgram({ gates: 1 }), { numRuns: 200, seed: 1 })
    expect(gated.some(({ graph }) => opsOf(graph).includes('gate'))).toBe(true)
  })

  test('prints as the graph', () => {
    expect(fc.stringify(programs[0])).toBe(print(programs[0]!.graph))
    const [graph] = fc.sample(arbitraryGraph(), { numRuns: 1, seed: 2 })
    expect(fc.stringify(graph)).toBe(print(graph!))
  })
})

describe('arbitraryShape and arbitraryTensor', () => {
  test('draw shapes with named axes, and tensors within their interval', () => {
    expect(fc.sample(arbitraryShape(), 100).some(shape => shape.includes('T'))).toBe(true)
    for (const { shape, data } of fc.sample(arbitraryTensor([2, 3], [1, 2]), 20)) {
      expect(shape).toEqual([2, 3])
      expect(data.every(value => value >= 1 && value < 2)).toBe(true)
    }
  })
})

describe('checkGraphLaws', () => {
  const law = graphLaws.find(({ name }) => name.startsWith('2 '))!
  const options = { ops: [faulty['adjoint']!], laws: [law], runs: 100, seed: 3 }

  test('a wrong op is found in a small printed program, with the path that repeats it', () => {
    const [found] = checkGraphLaws(options).findings
    expect(found).toMatchObject({ law: law.name, seed: 3, case: expect.stringMatching(/^path '[\d:]+'$/) })
    expect(found!.where).toContain('twiceSquare')
    expect(found!.where.split('\n').length).toBeLessThanOrEqual(6)
    const path = /'(.*)'/.exec(found!.case)![1]!
    expect(checkGraphLaws({ ...options, path, shrink: false }).findings[0]!.where).toBe(found!.where)
  })

  test('an op of one’s own that is right passes among all others', () => {
    expect(checkGraphLaws({ runs: 20, seed: 5 })).toMatchObject({
      ok: true,
      findings: [],
      checked: 20 * graphLaws.length,
    })
  })
})
