const nat = Math.LN2

/** Nats as bits: `x / ln 2`. */
export function bits(nats: number): number {
  return nats / nat
}

/** A count with thousands separated: `12,345`. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** A figure with `digits` decimals, or a dash while there is none. */
export function figure(value: number, digits: number = 2): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '–'
}

/** A rate per second with the precision that can be read: `3.2`, `85`, `12,345`. */
export function rate(perSecond: number): string {
  if (!Number.isFinite(perSecond)) return '–'
  return perSecond < 10 ? perSecond.toFixed(1) : count(perSecond)
}

/** Seconds as a clock: `0:07`, `12:05`, `1:02:05`; a dash for what is not known. */
export function clock(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '–'
  const total = Math.round(seconds)
  const [h, m, s] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60]
  const tail = `${String(s).padStart(2, '0')}`
  return h === 0 ? `${m}:${tail}` : `${h}:${String(m).padStart(2, '0')}:${tail}`
}

/** A gradient norm: three significant digits, in powers of ten where it is far from 1. */
export function norm(value: number): string {
  if (!Number.isFinite(value)) return '–'
  if (value !== 0 && (value < 0.001 || value >= 100_000)) return value.toExponential(1)
  return value >= 100 ? count(value) : value.toPrecision(3)
}

/** `1 character`, `2 characters`. */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`
}

/** A symbol as it can be read in a message: quoted, what does not print as an escape. */
export function quoted(symbol: string): string {
  return JSON.stringify(symbol)
}
