import { Failure } from './failure.js'

/** Turns the text after a flag into a value, or throws a {@link Failure} that names the flag, the rule and the text. */
export type Parser<T> = (text: string) => T

/** A range of real numbers: `min` and `max` belong to it, `above` does not; without `max`, all finite ones. */
export type Range =
  | { readonly min: number; readonly max?: number }
  | { readonly above: number; readonly max?: number }

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

/** A whole number in `[min, max]`; `1e6` is one, `12.5` and `0x10` are not. */
export function whole(flag: string, min: number, max: number): Parser<number> {
  return text => {
    const value = decimal.test(text) ? Number(text) : Number.NaN
    if (Number.isSafeInteger(value) && value >= min && value <= max) return value
    throw new Failure(`${flag} must be a whole number from ${plain(min)} to ${plain(max)}, but is '${text}'`)
  }
}

/** A finite number within `range`, written in decimal or scientific notation. */
export function real(flag: string, range: Range): Parser<number> {
  return text => {
    const value = decimal.test(text) ? Number(text) : Number.NaN
    if (inside(value, range)) return value
    throw new Failure(`${flag} must be a number ${interval(range)}, but is '${text}'`)
  }
}

/** The word `none`, or what `parser` accepts; the message of a refusal mentions both. */
export function orNone<T>(parser: Parser<T>): Parser<T | 'none'> {
  return text => {
    if (text === 'none') return 'none'
    try {
      return parser(text)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      throw new Failure(error.message.replace(/, but is /, ", or 'none', but is "))
    }
  }
}

/** One of the `words`, exactly as written. */
export function oneOf<T extends string>(flag: string, words: readonly T[]): Parser<T> {
  return text => {
    const found = words.find(word => word === text)
    if (found !== undefined) return found
    throw new Failure(`${flag} must be one of ${words.join(', ')}, but is '${text}'`)
  }
}

/** `NAME=N` with N a whole number ≥ 1, added to those given before; the first is added to `usual`. */
export function lengths(
  flag: string,
  usual: Readonly<Record<string, number>>,
): (text: string, before?: Readonly<Record<string, number>>) => Readonly<Record<string, number>> {
  return (text, before = usual) => {
    const [, name, value] = /^([^=]+)=(.+)$/.exec(text) ?? []
    if (name === undefined || value === undefined)
      throw new Failure(`${flag} must be written NAME=N, but is '${text}'`)
    return { ...before, [name]: whole(`${flag} ${name}`, 1, 1e9)(value) }
  }
}

function inside(value: number, range: Range): boolean {
  const enough = 'above' in range ? value > range.above : value >= range.min
  return enough && value <= (range.max ?? Number.MAX_VALUE)
}

function interval(range: Range): string {
  if ('above' in range) {
    const most = range.max === undefined ? '' : ` and at most ${plain(range.max)}`
    return `above ${plain(range.above)}${most}`
  }
  const { min, max } = range
  return max === undefined ? `of at least ${plain(min)}` : `from ${plain(min)} to ${plain(max)}`
}

function plain(value: number): string {
  return value.toLocaleString('en-US', { useGrouping: false, maximumFractionDigits: 20 })
}
