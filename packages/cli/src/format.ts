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
  return significant(value, 3)
}

/** A number with so many significant digits, two or more; in powers of ten where it is far from 1. */
export function significant(value: number, digits: number): string {
  if (!Number.isFinite(value)) return '–'
  if (value !== 0 && (value < 0.001 || value >= 100_000)) return value.toExponential(digits - 2)
  return value >= 10 ** (digits - 1) ? count(value) : value.toPrecision(digits)
}

/** `1 character`, `2 characters`. */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`
}

/** A symbol as it can be read in a message: quoted, what does not print as an escape. */
export function quoted(symbol: string): string {
  return JSON.stringify(symbol)
}

/** Bytes in the unit that leaves one to three digits before the point: `1.5 KiB`. */
export function bytes(value: number): string {
  if (!Number.isFinite(value)) return '–'
  const units = ['B', 'KiB', 'MiB', 'GiB']
  const power = Math.min(units.length - 1, value < 1 ? 0 : Math.floor(Math.log2(value) / 10))
  return `${power === 0 ? Math.round(value) : (value / 1024 ** power).toFixed(1)} ${units[power]}`
}

/** A large number with the letter of its thousand: `950`, `12.3 k`, `4.5 M`, `7.8 G`. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '–'
  const letters = ['', ' k', ' M', ' G', ' T', ' P']
  const power = Math.min(letters.length - 1, value < 1 ? 0 : Math.floor(Math.log10(value) / 3))
  return power === 0 ? String(Math.round(value)) : `${(value / 1000 ** power).toFixed(1)}${letters[power]}`
}

/** A share in per cent with two digits that count: `0.42 %`, `3.1 %`, `120 %`. */
export function percent(share: number): string {
  if (!Number.isFinite(share)) return '–'
  const value = 100 * share
  return `${value >= 100 || value === 0 ? value.toFixed(0) : value.toPrecision(2)} %`
}
