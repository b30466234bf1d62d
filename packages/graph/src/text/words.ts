import type { Dim, Shape } from '../shape.js'

/** Words that stand for something else than a name. */
const reserved = new Set([
  'return',
  'input',
  'graph',
  'tensor',
  'true',
  'false',
  'null',
  'undefined',
  'NaN',
  'Infinity',
])

const plain = /^[A-Za-z_$][\w$.]*$/

/** True for a name that needs no quotes: letters, digits, dots, and none of the reserved words. */
export function isPlain(name: string): boolean {
  return plain.test(name) && !reserved.has(name)
}

/** A name as it stands in text: as it is, or in quotes. */
export function word(name: string): string {
  return isPlain(name) ? name : quoted(name)
}

/** Text in single quotes, with whatever does not print escaped. */
export function quoted(text: string): string {
  return `'${text.replace(/[\\'\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/gu, escaped)}'`
}

function escaped(char: string): string {
  if (char === '\\' || char === "'") return `\\${char}`
  if (char === '\n') return '\\n'
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** The shortest number that reads back to the same value; -0, NaN and ±Infinity included. */
export function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

/** A shape with its named axes quoted where they need it. */
export function shapeText(shape: Shape): string {
  return `[${shape.map(dimText).join(', ')}]`
}

const dimText = (dim: Dim): string => (typeof dim === 'string' ? word(dim) : numberText(dim))
