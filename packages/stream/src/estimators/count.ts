import type { Cuts } from '../window.js'

/** A window every so many events. Resets do not end it: they start the carry anew within. */
export function byCount(every: number): Cuts {
  return { weight: ({ age }) => (age >= every ? 0 : 1), endsAtReset: false }
}
