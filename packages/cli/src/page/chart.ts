/** An axis of a chart. */
export interface Axis {
  readonly label: string
  /** Equal ratios are equal distances; what is not above 0 is left out. */
  readonly log?: boolean
  /** Ends of the axis; those of the data where not given. */
  readonly min?: number
  readonly max?: number
}

/** One line, or one bubble, of a chart; a gap where there is null. */
export interface Series {
  readonly name: string
  /** One for each x of the chart. */
  readonly y: readonly (number | null)[]
  /** A yardstick: thin, grey, dashed. */
  readonly muted?: boolean
  /** Diameter of a bubble in pixels. */
  readonly size?: number
}

/** A chart as plain data; `page/charts.js` draws it in the browser. */
export interface Chart {
  readonly id: string
  readonly title: string
  /** What one sees, in a sentence or two. */
  readonly note: string
  readonly kind: 'line' | 'step' | 'points' | 'bubbles'
  readonly x: Axis
  readonly y: Axis
  /** Rising. */
  readonly at: readonly number[]
  readonly series: readonly Series[]
  /** Lines go on over the places that are another line's. */
  readonly joined?: boolean
}

/** `count` numbers from 0 (left out) to `end`, evenly. */
export function grid(end: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => Math.round(((i + 1) * end) / count))
}

/** Numbers as JSON has them: null for what is not finite, and for what a logarithmic axis cannot show. */
export function plain(values: readonly number[], { log = false }: Partial<Axis> = {}): (number | null)[] {
  return values.map(value => (Number.isFinite(value) && (!log || value > 0) ? value : null))
}
