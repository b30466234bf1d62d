import { GraphError } from '@bptt/graph'
import { type Average, averageOf } from './average.js'
import { type Metric, valued } from './metric.js'

/** A prediction of numbers beside those that came. */
export interface Forecast {
  readonly output: number | ArrayLike<number>
  readonly target: number | ArrayLike<number>
}

/**
 * Mean absolute error |output − target|, over all numbers of all predictions.
 * @throws GraphError `bad-metric`, later, where an output is not as long as its target.
 */
export function meanAbsoluteError<State>(average: Average<State>): Metric<Forecast, State> {
  return averageOf(average, forecast => meanOf('meanAbsoluteError', forecast, Math.abs), size)
}

/**
 * Root of the mean squared error √(mean (output − target)²), over all numbers of all predictions.
 * @throws GraphError `bad-metric`, later, where an output is not as long as its target.
 */
export function rootMeanSquaredError<State>(average: Average<State>): Metric<Forecast, State> {
  const squares = averageOf(
    average,
    (forecast: Forecast) => meanOf('rootMeanSquaredError', forecast, error => error * error),
    size,
  )
  return valued(squares, Math.sqrt)
}

const listed = (value: number | ArrayLike<number>): ArrayLike<number> =>
  typeof value === 'number' ? [value] : value
const size = ({ target }: Forecast): number => listed(target).length

function meanOf(where: string, { output, target }: Forecast, of: (error: number) => number): number {
  const [said, came] = [listed(output), listed(target)]
  if (said.length !== came.length)
    throw new GraphError(
      'bad-metric',
      where,
      `the output has ${said.length} numbers and the target ${came.length}; they have the same`,
    )
  let sum = 0
  for (let i = 0; i < came.length; i++) sum += of(said[i]! - came[i]!)
  return came.length === 0 ? 0 : sum / came.length
}
