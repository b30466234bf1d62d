import { gradient } from '@bptt/graph'
import fc from 'fast-check'
import { test } from 'vitest'
import { hoist } from '../../src/hoist.js'
import { lower } from '../../src/lower.js'
import { prune } from '../../src/prune.js'
import { dynamicAxes } from '../../src/wasm/axes.js'
import { planOf } from '../../src/wasm/planner.js'
import { arbitraryLayout } from './compile-layouts.js'

test('stats', () => {
  const counts: Record<string, number> = {}
  const bump = (k: string) => {
    counts[k] = (counts[k] ?? 0) + 1
  }
  for (const { graph } of fc.sample(arbitraryLayout({ max: false }), { numRuns: 1000, seed: 3 }))
    for (const g0 of [graph, gradient(graph, { of: 'loss', by: [''] })]) {
      const g = prune(hoist(lower(g0)))
      const axes = dynamicAxes(g)
      if (axes.length) bump('dynamic')
      const plan = planOf(g, {
        bindings: new Map(axes.includes('T') ? [] : [['T', 4]]),
        axes,
        keep: new Map(),
      })
      const visit = (is: readonly any[], d: number) => {
        for (const i of is) {
          bump(
            i.kind +
              (i.form ?? i.direction ?? '') +
              (i.kind === 'pack' && i.batch.length ? 'batch' : '') +
              (d ? ' in' : ''),
          )
          if (i.kind === 'call') bump('call ' + i.op.name + (i.attrs.spec ? '' : ''))
          if (i.kind === 'loop') visit(i.body, d + 1)
        }
      }
      visit(plan.instructions, 0)
    }
  console.log(counts)
})
