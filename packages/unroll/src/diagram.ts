import { draw } from './schedule.js'
import type { Timeline } from './timeline.js'

/** How a timeline is drawn. */
export interface DiagramOptions {
  /** `once`: the cell once, with the time axis; `flat`: every step. Flat up to 12 steps where not given. */
  readonly form?: 'once' | 'flat'
}

interface Arrow {
  readonly from: string
  readonly to: string
  readonly label: string
  /** Credit does not pass. */
  readonly cut: boolean
}

interface Diagram {
  readonly boxes: readonly (readonly [id: string, label: string])[]
  readonly arrows: readonly Arrow[]
}

const FLAT = 12

/** A timeline in the language of Mermaid: steps, state edges with their weights, cuts dotted. */
export function toMermaid(line: Timeline, options: DiagramOptions = {}): string {
  const { boxes, arrows } = diagram(line, options)
  return [
    'flowchart LR',
    ...boxes.map(([id, label]) => `  ${id}["${label}"]`),
    ...arrows.map(({ from, to, label, cut }) => {
      const arrow = cut ? '-.->' : '-->'
      return `  ${from} ${label === '' ? arrow : `${arrow}|"${label}"|`} ${to}`
    }),
  ].join('\n')
}

/** A timeline in the DOT language of Graphviz: steps, state edges with their weights, cuts dotted. */
export function toDot(line: Timeline, options: DiagramOptions = {}): string {
  const { boxes, arrows } = diagram(line, options)
  return [
    'digraph {',
    '  rankdir=LR',
    ...boxes.map(([id, label]) => `  ${id} [shape=box, label="${label}"]`),
    ...arrows.map(
      ({ from, to, label, cut }) => `  ${from} -> ${to} [label="${label}"${cut ? ', style=dotted' : ''}]`,
    ),
    '}',
  ].join('\n')
}

function diagram(line: Timeline, { form }: DiagramOptions): Diagram {
  const { steps } = line.options
  const flat = typeof steps === 'number' && (form ?? (steps <= FLAT ? 'flat' : 'once')) === 'flat'
  return flat ? everyStep(line, steps) : once(line)
}

/** The cell once; the state edge leads from it to itself. */
function once({ cell, options, credit }: Timeline): Diagram {
  const { steps, loss } = options
  const weights = credit.kind === 'weights' && !Array.isArray(credit.weights[0]) ? credit.weights : undefined
  const passed = weights === undefined ? creditText(credit.kind) : draw(weights as readonly number[])
  return {
    boxes: [
      ['carry', 'carry 0'],
      ['x', 'x t'],
      ['cell', plain(`${cell.name}, t = 1 to ${steps}`)],
      ['y', 'y t'],
      ...(loss ? [['loss', 'loss t'] as const] : []),
    ],
    arrows: [
      arrow('carry', 'cell'),
      arrow('x', 'cell'),
      arrow('cell', 'cell', `t to t + 1: ${passed}`),
      arrow('cell', 'y'),
      ...(loss ? [arrow('y', 'loss')] : []),
    ],
  }
}

/** A name without what ends a label. */
const plain = (name: string): string => name.replaceAll(/["\\\s]+/g, ' ')

const creditText = (kind: 'full' | 'weights' | 'input'): string =>
  kind === 'full' ? 'full credit' : kind === 'input' ? 'credit given at run time' : 'credit per example'

const arrow = (from: string, to: string, label = '', cut = false): Arrow => ({ from, to, label, cut })

function everyStep({ cell, options, credit }: Timeline, steps: number): Diagram {
  const times = Array.from({ length: steps }, (_, i) => i + 1)
  const each = (t: number): readonly (readonly [string, string])[] => [
    [`x${t}`, `x ${t}`],
    [`s${t}`, plain(`${cell.name} ${t}`)],
    [`y${t}`, options.loss ? `loss ${t}` : `y ${t}`],
  ]
  const edge = (t: number): Arrow => {
    const weight = credit.kind === 'weights' ? credit.weights[t - 1]! : 1
    const label = credit.kind === 'input' ? `credit ${t + 1}` : String(weight).replaceAll(',', ' ')
    return arrow(
      `s${t}`,
      `s${t + 1}`,
      label === '1' ? '' : label,
      [weight].flat().every(each => each === 0),
    )
  }
  return {
    boxes: [['carry', 'carry 0'], ...times.flatMap(each)],
    arrows: [
      arrow('carry', 's1'),
      ...times.flatMap(t => [arrow(`x${t}`, `s${t}`), arrow(`s${t}`, `y${t}`)]),
      ...times.slice(0, -1).map(edge),
    ],
  }
}
