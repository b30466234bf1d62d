import { GraphError, type Shape, showShape } from '@bptt/graph'

/** A value as messages show it: text in quotes, so that '3' is not taken for 3. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`
  if (typeof value === 'function') return 'a function'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

/** True for a whole number in [least, below). */
export function isWhole(value: unknown, least: number, below: number = Number.POSITIVE_INFINITY): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) < below
}

/**
 * Checks that something is a cell: not what makes cells of given sizes, and no model of whole windows.
 * @throws GraphError `bad-cell`.
 */
export function checkCell(where: string, cell: unknown): void {
  const found = Object(cell) as { readonly name?: unknown }
  if (typeof cell === 'object' && 'step' in found) return
  if (typeof cell === 'object' && 'window' in found)
    throw new GraphError(
      'bad-cell',
      where,
      `${String(found.name)} reads whole windows; a cell has a step`,
      'model.window({ steps, loss }) is its graph',
    )
  throw new GraphError(
    'bad-cell',
    where,
    `the cell is ${shown(cell)}; a cell has a step, and is made with sizes`,
    'elman({ inputs: 2, hidden: 3 }), and likewise what cell({ … }) gives',
  )
}

/**
 * Checks that inputs lie along time, and `front` says what else, before the axes of one input.
 * @throws GraphError `shape`.
 */
export function checkInputs(
  where: string,
  xs: { readonly shape: Shape } | undefined,
  { front, input }: { readonly front: readonly string[]; readonly input: Shape },
): void {
  const shape = xs?.shape ?? []
  const same = showShape(shape.slice(front.length)) === showShape(input)
  if (shape.length === front.length + input.length && same) return
  throw new GraphError(
    'shape',
    where,
    `xs is ${xs === undefined ? 'not given' : showShape(shape)}; it is [${[...front, ...input].join(', ')}]`,
    front.length === 1 ? 'one example, without a batch' : 'one sequence is a batch of 1',
  )
}

/**
 * Checks a number of steps T.
 * @throws GraphError `bad-steps`.
 */
export function checkSteps(where: string, steps: unknown): void {
  if (!isWhole(steps, 1))
    throw new GraphError(
      'bad-steps',
      where,
      `steps is ${shown(steps)}; a timeline has a whole number of steps ≥ 1`,
      'the number of steps is the length of the first axis of xs',
    )
}

/**
 * Checks a number of steps, or the name of an axis that is bound at run time.
 * @throws GraphError `bad-steps`.
 */
export function checkStepsOrAxis(where: string, steps: unknown): void {
  if (!isLength(steps))
    throw new GraphError(
      'bad-steps',
      where,
      `steps is ${shown(steps)}; a timeline has a whole number of steps ≥ 1, or a named axis`,
      "steps: 'T' takes sequences of any length",
    )
}

/** True for a whole number ≥ 1, and for a name; text that reads as a number is a slip and no name. */
export function isLength(value: unknown): boolean {
  return typeof value === 'string' ? Number.isNaN(Number(value)) : isWhole(value, 1)
}
