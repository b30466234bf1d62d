import { filled, GraphError, type Shape, showShape, sizeOf, type Tensor } from '@bptt/graph'

/** One event of a stream: what the model reads and what it should have said. */
export interface Sample {
  readonly input: number | ArrayLike<number>
  readonly target: number | ArrayLike<number>
  /** True at the first event of a new sequence: the carry is reset before it, and no credit passes. */
  readonly reset?: boolean
}

/**
 * The values of consecutive events as one tensor [n, 1, ...shape].
 * @param first number of the first of them in the stream, from 1, for messages.
 * @throws GraphError `bad-sample` where a value has another width or is not finite.
 */
export function rows(
  values: readonly (number | ArrayLike<number>)[],
  shape: Shape,
  what: string,
  first: number,
): Tensor {
  const width = sizeOf(shape as readonly number[])
  const out = filled([values.length, 1, ...(shape as readonly number[])], 0)
  values.forEach((value, i) => {
    const row = typeof value === 'number' ? [value] : value
    if (row.length !== width || (typeof value === 'number') !== (shape.length === 0))
      throw new GraphError(
        'bad-sample',
        `event ${first + i}`,
        `its ${what} is ${describe(value)}; the model's are ${showShape(shape)}`,
      )
    for (let k = 0; k < width; k++) {
      if (!Number.isFinite(row[k])) throw notFinite(first + i, what, row[k])
      out.data[i * width + k] = row[k]!
    }
  })
  return out
}

const describe = (value: number | ArrayLike<number>): string =>
  typeof value === 'number' ? 'a number' : `a list of ${value.length}`

function notFinite(event: number, what: string, value: number | undefined): GraphError {
  return new GraphError(
    'bad-sample',
    `event ${event}`,
    `its ${what} holds ${String(value)}; events are finite numbers`,
    'filter such events out before the trainer',
  )
}
