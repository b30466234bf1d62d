import type { Runner } from './engine.js'

/** What was measured of one engine on one workload. */
export interface Timing {
  /** Milliseconds, one a step. */
  readonly samples: readonly number[]
  /** Losses of the first steps, while it was warming up. */
  readonly losses: readonly number[]
  /** Milliseconds until the first step was done. */
  readonly first: number
}

/** How long to measure. */
export interface Patience {
  readonly repeats: number | undefined
  readonly seconds: number
}

/** Fewest samples that a median is taken of. */
const fewest = 5
/** Milliseconds that an engine runs before the next one has its turn. */
const turn = 50

/** Steps of several engines in turns, after a warm-up of each: what disturbs the machine disturbs all of them. */
export function measure(starts: readonly (() => Runner)[], patience: Patience): readonly Timing[] {
  const lanes = starts.map(warm)
  while (lanes.some(lane => !done(lane.samples, patience)))
    for (const lane of lanes) if (!done(lane.samples, patience)) take(lane, patience)
  for (const { runner } of lanes) runner.close()
  return lanes
}

interface Lane extends Timing {
  readonly samples: number[]
  readonly runner: Runner
}

/** Starts an engine and runs it until it is steady: ten steps or more, and half a second; three, where a step is slow. */
function warm(start: () => Runner): Lane {
  const began = performance.now()
  const runner = start()
  const losses = [runner.step()]
  const first = performance.now() - began
  const from = performance.now()
  const spent = (): number => performance.now() - from
  while (losses.length < 3 || (losses.length < 10 && spent() < 3000)) losses.push(runner.step())
  while (spent() < 500) runner.step()
  return { runner, losses, first, samples: [] }
}

function take({ samples, runner }: Lane, patience: Patience): void {
  const until = performance.now() + turn
  do {
    const began = performance.now()
    runner.step()
    samples.push(performance.now() - began)
  } while (performance.now() < until && !done(samples, patience))
}

function done(samples: readonly number[], { repeats, seconds }: Patience): boolean {
  if (repeats !== undefined) return samples.length >= repeats
  if (samples.length < fewest) return false
  return samples.length >= 200_000 || total(samples) >= 1000 * seconds
}

/** The sum, kept beside a sample that only grows. */
function total(samples: readonly number[]): number {
  const known = sums.get(samples) ?? { count: 0, sum: 0 }
  for (; known.count < samples.length; known.count++) known.sum += samples[known.count]!
  sums.set(samples, known)
  return known.sum
}

const sums = new WeakMap<readonly number[], { count: number; sum: number }>()
