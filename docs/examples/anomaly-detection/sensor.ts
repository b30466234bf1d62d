import { sines } from '@bptt/stream/sources'

/** What is wrong with the sensor, from value `from` to value `to`, from 1. */
export interface Fault {
  readonly what: string
  readonly from: number
  readonly to: number
}

/** The faults of the generated sensor. */
export const faults: readonly Fault[] = [
  { what: 'spike', from: 4000, to: 4000 },
  { what: 'dead, it reads −2', from: 5000, to: 5030 },
  { what: 'jump in phase', from: 6000, to: 6000 },
]

/** `count` readings with a slow and a fast cycle, noise, and the faults above. The same every time. */
export function sensor(count: number): readonly (readonly [number])[] {
  const waves = [{ period: 60 }, { period: 17, amplitude: 0.4 }]
  const clean = sines(waves, { noise: 0.02, seed: 5 })
  const late = clean.take(count + 30)
  return clean.take(count).map(([value], i) => {
    const at = i + 1
    if (at === 4000) return [value! + 2]
    if (at >= 5000 && at <= 5030) return [-2]
    return [at >= 6000 ? late[i + 30]![0]! : value!]
  })
}
