import { abs, huber, type Loss, squaredError, sub, sum } from '@bptt/graph'
import type { LossName } from '../commands/source.js'
import { significant } from '../format.js'
import type { Unit } from '../material.js'
import type { Scale } from './scale.js'

/** A loss in the graph, and the same in numbers: a sum over outputs of what an error costs. */
interface NumberLoss {
  readonly loss: Loss
  readonly of: (error: number) => number
}

/** A loss by its name. */
export const lossOf = (name: LossName): NumberLoss =>
  ({
    squared: { loss: squaredError, of: (error: number) => error * error },
    absolute: {
      loss: ((y, target) => sum(abs(sub(y, target)), { axis: -1 })) satisfies Loss,
      of: Math.abs,
    },
    huber: { loss: huber, of: huberOf },
  })[name]

const huberOf = (error: number): number =>
  Math.abs(error) <= 1 ? 0.5 * error * error : Math.abs(error) - 0.5

/**
 * In what a loss over vectors on a scale is said: root mean squared error, mean absolute error, mean Huber loss. A single number has the
 * unit of the data (Huber losses excepted), several have standard deviations.
 */
export function unitOf(name: LossName, { deviation }: Scale): Unit {
  const width = deviation.length
  const per = width === 1 ? deviation[0]! : 1
  const known = {
    squared: { name: 'RMSE', of: (loss: number) => per * Math.sqrt(loss / width) },
    absolute: { name: 'MAE', of: (loss: number) => (per * loss) / width },
    huber: { name: 'Huber loss', of: (loss: number) => loss / width },
  }[name]
  const scaled = deviation.some(each => each !== 1) && (width > 1 || name === 'huber')
  return {
    name: scaled ? `${known.name} in standard deviations` : known.name,
    short: known.name,
    event: 'record',
    brief: 'record',
    of: known.of,
    text: (value, fine = false) => significant(value, fine ? 4 : 3),
  }
}
