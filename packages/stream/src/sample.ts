import { filled, GraphError, type Shape, showShape, sizeOf, type Tensor } from '@bptt/graph'

/** One event of a stream: what the model reads and what it should have said. */
export interface Sample {
  readonly input: number | ArrayLike<number>
  readonly target: number | ArrayLike<number>
  /** True at the first event of a new sequence: the carry is reset before it, and no credit passes. */
  readonly reset?: boolean
}

/** What an input or target may be. */
type Value = Sample['input']

/**
 * The values of consecutive events as one tensor [n, 1, ...shape].
 * @param where names the event of a value, by its place, for messages.
 * @throws GraphError `bad-sample` where a value has another width or is not finite.
 */
export function rows(
  values: readonly Value[],
  shape: Shape,
  what: string,
  where: (place: number) => string,
): Tensor {
  const width = sizeOf(shape as readonly number[])
  const out = filled([values.length, 1, ...(shape as readonly number[])], 0)
  values.forEach((value, i) => {
    checkValue(value, shape, what, () => where(i))
    if (typeof value === 'number') out.data[i] = value
    else out.data.set(value, i * width)
  })
  return out
}

/** @throws GraphError `bad-sample` where a value does not fill the shape with finite numbers. */
export function checkValue(value: Value, shape: Shape, what: string, where: () => string): void {
  const scalar = typeof value === 'number'
  if (scalar !== (shape.length === 0) || (!scalar && value?.length !== sizeOf(shape as readonly number[])))
    throw new GraphError(
      'bad-sample',
      where(),
      `its ${what} is ${describe(value)}; the model's are ${showShape(shape)}`,
    )
  if (scalar) {
    if (!Number.isFinite(value)) throw notFinite(where(), what, value)
    return
  }
  for (let k = 0; k < value.length; k++)
    if (!Number.isFinite(value[k])) throw notFinite(where(), what, value[k])
}

function describe(value: Value | null | undefined): string {
  if (typeof value === 'number') return 'a number'
  return typeof value === 'object' && value !== null ? `a list of ${value.length}` : String(value)
}

function notFinite(where: string, what: string, value: number | undefined): GraphError {
  return new GraphError(
    'bad-sample',
    where,
    `its ${what} holds ${String(value)}; events are finite numbers`,
    'filter such events out before the trainer',
  )
}

/** A copy in plain data, as JSON keeps it: whatever the source does with its buffers later, the event stays (−0 is 0). */
export function plain({ input, target, reset }: Sample): Sample {
  const made = { input: copied(input), target: copied(target) }
  return reset ? { ...made, reset } : made
}

function copied(value: Value): Value {
  if (typeof value === 'number') return value + 0
  const copy = new Array<number>(value.length)
  for (let k = 0; k < copy.length; k++) copy[k] = value[k]! + 0
  return copy
}
