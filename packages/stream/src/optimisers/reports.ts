import { add, min, type Ref, sqrt, square } from '@bptt/graph'
import type { Reports } from '../optimiser.js'

/** Of links one after the other: the least `clip`; else the first link that says something, as `norm` is that before any clipping. */
export function inOrder(all: readonly Reports[]): Reports {
  return { ...firstOf(all), ...folded(all, 'clip', (a, b) => min(a, b)) }
}

/** Of groups side by side: the least `clip`, the `norm` of all together; else the first group that says something. */
export function sideBySide(all: readonly Reports[]): Reports {
  return { ...inOrder(all), ...folded(all, 'norm', (a, b) => sqrt(add(square(a), square(b)))) }
}

const firstOf = (all: readonly Reports[]): Reports => Object.assign({}, ...all.toReversed())

function folded(all: readonly Reports[], name: string, join: (a: Ref, b: Ref) => Ref): Reports {
  const found = all.flatMap(reports => reports[name] ?? [])
  return found.length === 0 ? {} : { [name]: found.reduce(join) }
}
