import type { ExperimentName, Experiments } from './commands/reproduce.js'
import type { Course } from './reproduce/course.js'
import { fluid } from './reproduce/fluid.js'
import { fuzzy } from './reproduce/fuzzy.js'
import { influence } from './reproduce/influence.js'
import { longRange } from './reproduce/long-range.js'
import { perform } from './reproduce/perform.js'
import { vanishing } from './reproduce/vanishing.js'

const courses: { readonly [N in ExperimentName]: (options: Experiments[N]) => Course } = {
  'influence-balancing': influence,
  'long-range': longRange,
  vanishing,
  fuzzy,
  fluid,
}

/** Runs an experiment again. */
export async function reproduce<N extends ExperimentName>(
  name: N,
  options: Experiments[N] & { readonly json?: boolean },
): Promise<void> {
  await perform(name, courses[name](options), options)
}
