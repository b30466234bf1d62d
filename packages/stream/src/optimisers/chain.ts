import { GraphError, type Ref, type Tree } from '@bptt/graph'
import { branch, type Optimizer, type Reports } from '../optimiser.js'
import { inOrder } from './reports.js'

/**
 * Transformations one after the other: each gets what the one before made of the gradients. Clip first, then step.
 * Slots of link k stand under `t0`, `t1`, …
 * @throws GraphError `bad-setting` without a link.
 * @category Start here
 */
export function chain(...links: readonly Optimizer[]): Optimizer {
  if (links.length === 0)
    throw new GraphError('bad-setting', 'chain', 'has no link; it needs at least one', 'chain(adam(1e-3))')
  const averaging = links.findLastIndex(link => link.average !== undefined)
  return {
    text: links.map(link => link.text).join(' → '),
    uphill: links.every(link => link.uphill),
    slots: params => Object.fromEntries(links.map((link, k) => [`t${k}`, link.slots(params)])),
    update(gradients, site) {
      let updates = gradients
      const reports: Reports[] = []
      const slots: Record<string, Tree<Ref>> = {}
      links.forEach((link, k) => {
        const made = link.update(updates, { ...site, slots: branch(site.slots, `t${k}`) })
        updates = made.updates
        slots[`t${k}`] = made.slots
        reports.push(made.reports ?? {})
      })
      return { updates, slots, reports: inOrder(reports) }
    },
    ...(averaging >= 0 && {
      average: (slots, params) => links[averaging]!.average!(branch(slots, `t${averaging}`), params),
    }),
  }
}
