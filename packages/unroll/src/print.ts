import { drawWindows } from './plan.js'
import { draw } from './schedule.js'
import type { Timeline } from './timeline.js'

/**
 * The state edges of a timeline as one line of text: `──│──` is block truncation of 6 steps by 3.
 * One line per example where examples have weights of their own, and one per window where losses have windows.
 */
export function print(line: Timeline): string {
  return [edgesText(line), ...(line.windows === undefined ? [] : [drawWindows(line.windows)])].join('\n')
}

function edgesText({ credit, options }: Timeline): string {
  const edges = typeof options.steps === 'number' ? options.steps - 1 : undefined
  if (credit.kind === 'input' || edges === undefined)
    return `${options.steps} steps, credit ${credit.kind === 'input' ? 'given at run time' : 'full'}`
  if (credit.kind === 'full') return draw(new Array<number>(edges).fill(1))
  const [first] = credit.weights
  if (!Array.isArray(first)) return draw(credit.weights as readonly number[])
  const rows = credit.weights as readonly (readonly number[])[]
  return first.map((_, b) => draw(rows.map(row => row[b]!))).join('\n')
}
