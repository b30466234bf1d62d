import { GraphError } from '@bptt/graph'
import type { Schedule } from './schedule.js'

/** Streams of coins apart from each other: those of one schedule's sequences and of the next one's. */
const APART = 2 ** 40

/**
 * The schedule whose weights are the products of those of several: an edge is cut where one of them cuts it, which starts the age of
 * all anew. Unbiased where each is. Schedules toss coins of their own, whatever their seeds.
 *
 * @example
 * combine(artbp({ mean: 20, seed: 1 }), every(1000)) // ARTBP whose segments end at 1000 steps at the latest: biased by that
 * @throws GraphError `empty-list`; `bad-schedule` where they have weights for different numbers of edges.
 */
export function combine(...schedules: readonly Schedule[]): Schedule {
  if (schedules.length === 0)
    throw new GraphError(
      'empty-list',
      'combine',
      'has no schedule; weights are those of one at least',
      'full() passes all credit',
    )
  const edges = edgesOf(schedules)
  const tossed = schedules.some(({ chance }) => chance !== undefined)
  return {
    text: schedules.map(({ text }) => text).join(' · '),
    ...(edges !== undefined && { edges }),
    weight: ({ t, age, stream }) =>
      schedules.reduce(
        (product, { weight }, i) => product * weight({ t, age, stream: stream + i * APART }),
        1,
      ),
    ...(tossed && { chance: edge => chanceOf(schedules, edge) }),
  }
}

function edgesOf(schedules: readonly Schedule[]): number | undefined {
  const known = schedules.filter(({ edges }) => edges !== undefined)
  const [first] = known
  const other = known.find(({ edges }) => edges !== first!.edges)
  if (other === undefined) return first?.edges
  throw new GraphError(
    'bad-schedule',
    'combine',
    `${first!.text} has weights for ${first!.edges} edges and ${other.text} for ${other.edges}; combined schedules weigh the same edges`,
    'give them weights for as many edges',
  )
}

/** The chance that one of them cuts, and the product of their weights where none does. */
function chanceOf(
  schedules: readonly Schedule[],
  edge: { readonly t: number; readonly age: number },
): { readonly cut: number; readonly kept: number } {
  const each = schedules.map(({ weight, chance }) => {
    if (chance !== undefined) return chance(edge)
    const kept = weight({ ...edge, stream: 0 })
    return { cut: kept === 0 ? 1 : 0, kept }
  })
  return {
    cut: 1 - each.reduce((product, { cut }) => product * (1 - cut), 1),
    kept: each.reduce((product, { kept }) => product * kept, 1),
  }
}
