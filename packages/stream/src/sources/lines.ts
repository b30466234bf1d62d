import { GraphError } from '@bptt/graph'
import { type Source, textsOf } from './chunks.js'
import { LONGEST } from './skip.js'

/** A line without its end (LF or CR LF), counted from 1. */
export interface Line {
  readonly text: string
  readonly number: number
}

/** The lines of a source, one at a time; the last needs no end. Throws GraphError `bad-text`, `bad-line`. */
export async function* linesOf(source: Source, name: string): AsyncGenerator<Line, void, undefined> {
  let [rest, number] = ['', 0]
  for await (const text of textsOf(source, name)) {
    let from = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      yield { text: withoutReturn(rest + text.slice(from, end)), number: ++number }
      rest = ''
      from = end + 1
    }
    rest += text.slice(from)
    if (rest.length > LONGEST) throw tooLong(name, number + 1)
  }
  if (rest !== '') yield { text: withoutReturn(rest), number: number + 1 }
}

const withoutReturn = (text: string): string => (text.endsWith('\r') ? text.slice(0, -1) : text)

/** The error for a record without end. */
export function tooLong(name: string, line: number, hint?: string): GraphError {
  const what = `has more than ${LONGEST} characters; that is the longest record`
  return new GraphError('bad-line', `${name}, line ${line}`, what, hint)
}
