import type { Sample } from '../sample.js'

/** What a trainer's stream carries: a sample, or a list of them. */
export type Event = Sample | readonly Sample[]

/** Bits of the first number of a packed sample. */
const [RESET, INPUT_LIST, TARGET_LIST, WEIGHT, DROPPED] = [1, 2, 4, 8, 16]

const known: ReadonlySet<string> = new Set(['input', 'target', 'reset', 'weight', 'dropped'])

/**
 * Events as numbers in one buffer that can be given to another thread without a copy; undefined where one holds more than numbers.
 *
 * A list of samples begins with −1 − its length. A sample is a number of flags, its input and its target, each with its length before it
 * where it is a list, then its weight and the count of what was dropped before it, where it has them.
 */
export function pack(events: readonly Event[]): Float64Array<ArrayBuffer> | undefined {
  const numbers: number[] = []
  for (const event of events) {
    const row = Array.isArray(event)
    if (row) numbers.push(-1 - event.length)
    for (const sample of row ? (event as readonly Sample[]) : [event as Sample])
      if (!packSample(sample, numbers)) return undefined
  }
  return Float64Array.from(numbers)
}

function packSample(sample: Sample, numbers: number[]): boolean {
  if (typeof sample !== 'object' || sample === null) return false
  for (const key of Object.keys(sample)) if (!known.has(key)) return false
  const { input, target, reset, weight, dropped } = sample
  if (reset !== undefined && typeof reset !== 'boolean') return false
  const counts = [weight, dropped].filter(count => count !== undefined)
  if (counts.some(count => typeof count !== 'number')) return false
  const list = (value: Sample['input']): boolean => typeof value !== 'number'
  numbers.push(
    (reset ? RESET : 0) |
      (list(input) ? INPUT_LIST : 0) |
      (list(target) ? TARGET_LIST : 0) |
      (weight === undefined ? 0 : WEIGHT) |
      (dropped === undefined ? 0 : DROPPED),
  )
  if (!packValue(input, numbers) || !packValue(target, numbers)) return false
  numbers.push(...counts)
  return true
}

function packValue(value: Sample['input'], numbers: number[]): boolean {
  if (typeof value === 'number') {
    numbers.push(value)
    return true
  }
  if (!Array.isArray(value) && !ArrayBuffer.isView(value)) return false
  numbers.push(value.length)
  for (let k = 0; k < value.length; k++) {
    if (typeof value[k] !== 'number') return false
    numbers.push(value[k]!)
  }
  return true
}

/** The events of a packed buffer, in plain data. */
export function unpack(numbers: Float64Array): readonly Event[] {
  const events: Event[] = []
  let at = 0
  const value = (list: boolean): Sample['input'] => {
    const first = numbers[at++]!
    if (!list) return first
    at += first
    return Array.from(numbers.subarray(at - first, at))
  }
  const sample = (): Sample => {
    const flags = numbers[at++]!
    const made = { input: value((flags & INPUT_LIST) !== 0), target: value((flags & TARGET_LIST) !== 0) }
    const marked = flags & RESET ? { ...made, reset: true } : made
    const weighed = flags & WEIGHT ? { ...marked, weight: numbers[at++]! } : marked
    return flags & DROPPED ? { ...weighed, dropped: numbers[at++]! } : weighed
  }
  while (at < numbers.length) {
    const length = -1 - numbers[at]!
    if (length < 0) events.push(sample())
    else {
      at++
      events.push(Array.from({ length }, sample))
    }
  }
  return events
}
