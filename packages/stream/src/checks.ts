/** What a value is found to be, against a rule; thrown by checks. */
export class Misfit {
  readonly text: string

  constructor(name: string, value: unknown, rule: string) {
    this.text = `${name} is ${shown(value)}; ${rule}`
  }
}

/** Looks at a value of unknown origin. @throws Misfit that names the first place that does not fit. */
export type Check = (value: unknown, name: string) => void

const rule =
  (fits: (value: unknown) => boolean, text: string): Check =>
  (value, name) => {
    if (!fits(value)) throw new Misfit(name, value, text)
  }

/** A whole number, at least so large. */
export const whole = (least = 0): Check =>
  rule(value => Number.isSafeInteger(value) && (value as number) >= least, `it is a whole number ≥ ${least}`)

/** Any finite number. */
export const finite: Check = rule(Number.isFinite, 'it is a finite number')

/** A finite number that is not negative. */
export const positive: Check = rule(
  value => Number.isFinite(value) && (value as number) >= 0,
  'it is a finite number ≥ 0',
)

export const flag: Check = rule(value => typeof value === 'boolean', 'it is true or false')

export const text: Check = rule(value => typeof value === 'string', 'it is a text')

/** A list, every element of it so. */
export const list =
  (each: Check): Check =>
  (value, name) => {
    if (!Array.isArray(value)) throw new Misfit(name, value, 'it is a list')
    for (let i = 0; i < value.length; i++) each(value[i], `${name}[${i}]`) // holes, too
  }

/** An object with these fields; others do not matter. */
export const fields =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value, name) => {
    isObject(value, name)
    for (const [key, check] of Object.entries(checks))
      check((value as Record<string, unknown>)[key], `${name}.${key}`)
  }

/** An object, every field of it so. */
export const entries =
  (each: Check): Check =>
  (value, name) => {
    isObject(value, name)
    for (const [key, one] of Object.entries(value as object)) each(one, `${name}.${key}`)
  }

/** Not there, or so. */
export const optional =
  (check: Check): Check =>
  (value, name) => {
    if (value !== undefined) check(value, name)
  }

/** A number or a list of numbers. */
export const numbers: Check = (value, name) =>
  (typeof value === 'number' ? finite : list(finite))(value, name)

/** What a JSON text says; undefined where it is none. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // text that is no JSON is as foreign as none
  }
}

const isObject: Check = rule(
  value => typeof value === 'object' && value !== null && !Array.isArray(value),
  'it is an object',
)

export function shown(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'object' && value !== null) return 'an object'
  const words = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return words.length <= 40 ? words : `${words.slice(0, 37)}…`
}
