import type { Yardsticks } from '../material.js'

/**
 * Predictors of classes without memory, in nats: all equally likely, and as often as they came so far, each counted once more than it came
 * (Laplace's rule).
 */
export function classYardsticks(classes: number, of: (nats: number) => number): Yardsticks {
  const counts = Array<number>(classes).fill(0)
  let [seen, lost] = [0, 0]
  return {
    see: ({ target }) => {
      const came = Number(target)
      lost -= Math.log((counts[came]! + 1) / (seen + classes))
      counts[came]!++
      seen++
    },
    get baselines() {
      return [
        { name: 'uniform', value: of(Math.log(classes)) },
        { name: 'frequencies so far', value: of(lost / seen) },
      ]
    },
    state: undefined,
  }
}
