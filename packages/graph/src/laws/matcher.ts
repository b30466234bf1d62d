import type { Graph } from '../graph.js'
import { showReport } from './expect.js'
import { checkGradients, type GradientOptions } from './gradients.js'

/** What a matcher of vitest or jest returns. */
export interface MatcherResult {
  readonly pass: boolean
  /** What the runner prints. */
  readonly message: () => string
}

/**
 * A matcher for `expect.extend({ toHaveCorrectGradients })`: passes where `checkGradients` finds nothing.
 *
 * @example
 * expect.extend({ toHaveCorrectGradients })
 * expect(loss).toHaveCorrectGradients({ by: ['params'] })
 */
export function toHaveCorrectGradients(received: Graph, options?: GradientOptions): MatcherResult {
  const report = checkGradients(received, options)
  return { pass: report.ok, message: () => showReport(report) }
}
