import type { Ref, Tree } from '@bptt/graph'
import type { Optimizer } from '../optimiser.js'

type Slots = Readonly<Record<string, Tree<Ref>>>

/**
 * Transformations one after the other: each gets what the one before made of the gradients. Clip first, then step.
 * Slots of link k stand under `t0`, `t1`, …
 */
export function chain(...links: readonly Optimizer[]): Optimizer {
  return {
    text: links.map(link => link.text).join(' → '),
    slots: params => Object.fromEntries(links.map((link, k) => [`t${k}`, link.slots(params)])),
    update(gradients, site) {
      let updates = gradients
      let reports: Readonly<Record<string, Ref>> = {}
      const slots: Record<string, Tree<Ref>> = {}
      links.forEach((link, k) => {
        const own = (site.slots as Slots)[`t${k}`] ?? {}
        const made = link.update(updates, { ...site, slots: own })
        updates = made.updates
        slots[`t${k}`] = made.slots
        reports = { ...reports, ...made.reports }
      })
      return { updates, slots, reports }
    },
  }
}
