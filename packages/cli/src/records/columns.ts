import type { Column } from '@bptt/stream/sources'
import { Failure } from '../failure.js'

/**
 * Columns as they are written: `temperature,state:on|off,spectrum:64` are a number, one of these names (one-hot), and a list of 64 numbers.
 * @throws Failure where one has no name, or is there twice.
 */
export function columnsOf(flag: string, text: string): readonly Column[] {
  const columns = text.split(',').map(part => columnOf(part.trim()))
  const names = columns.map(nameOf)
  if (names.includes(''))
    throw new Failure(`${flag} names columns with commas between, as in a,b,c, but is '${text}'`)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw new Failure(`${flag} has the column '${twice}' twice; each is read once`)
  return columns
}

function columnOf(text: string): Column {
  const [, column, kind] = /^(.+):([^:]+)$/.exec(text) ?? []
  if (column === undefined || kind === undefined) return text
  if (kind.includes('|')) return { column, categories: kind.split('|') }
  return /^[1-9]\d{0,5}$/.test(kind) ? { column, width: Number(kind) } : text
}

/** The name of a column. */
export const nameOf = (column: Column): string => (typeof column === 'string' ? column : column.column)

/** Numbers that a column is read as. */
export function widthOf(column: Column): number {
  if (typeof column === 'string') return 1
  return 'width' in column ? column.width : column.categories.length
}

/** For every number of a vector of columns, true where it is a quantity; false where it is a place of a category. */
export const quantities = (columns: readonly Column[]): readonly boolean[] =>
  columns.flatMap(column =>
    Array<boolean>(widthOf(column)).fill(typeof column === 'string' || 'width' in column),
  )
