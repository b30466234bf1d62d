import { readdirSync, readFileSync } from 'node:fs'
import type * as Bptt from '@bptt/graph'
import { describe, expect, test, vi } from 'vitest'
import { verifyFile } from '../packages/cli/src/verify/file.js'

let runs = 0

// everything that is verified runs compiled: the command knows `evaluate` by this door only
vi.mock('@bptt/graph', async original => {
  const real = await original<typeof Bptt>()
  const programs = new WeakMap<Bptt.Graph, Bptt.Program>()
  const evaluate: typeof real.evaluate = (graph, values) => {
    const program = programs.get(graph) ?? real.compile(graph, { dtype: 'float64' })
    programs.set(graph, program)
    runs++
    return program.run(values) as never
  }
  return { ...real, evaluate }
})

const folder = new URL('golden/', import.meta.url)
const files = readdirSync(folder).filter(name => name.endsWith('.json'))

describe('compiled in float64', () => {
  test.each(files)('all that is known of %s from PyTorch agrees within 1e-9', name => {
    runs = 0
    const found = verifyFile(JSON.parse(readFileSync(new URL(name, folder), 'utf8')), name)
    expect(found.filter(({ worst, note }) => note !== undefined || !(worst <= 1e-9))).toEqual([])
    expect(found.length).toBeGreaterThan(10)
    expect(runs).toBeGreaterThan(0)
  })
})
