import { GraphError } from '@bptt/graph'
import { tooLong } from './lines.js'
import { LONGEST } from './skip.js'

/** A record of a CSV text: its fields, and the line it begins on, from 1. */
export interface CsvRecord {
  readonly fields: readonly string[]
  readonly line: number
}

const [QUOTE, CR, LF] = [0x22, 0x0d, 0x0a]

/** Where the reader stands: before a field, in one, in quotes, after a quote in quotes, after a CR. */
type State = 'before' | 'plain' | 'quoted' | 'closed' | 'return'

/**
 * Reads CSV as RFC 4180 says, text piece by text piece, cut anywhere: quoted fields may hold separators, line ends and doubled quotes. Lines end with CR LF or LF;
 * empty ones are left out.
 */
export class CsvReader {
  readonly #name: string
  readonly #separator: number
  #state: State = 'before'
  #fields: string[] = []
  #field = ''
  /** The present line, and the one the record began on. */
  #line = 1
  #start = 1
  /** Units of the record in finished fields. */
  #length = 0
  #quoted = false

  constructor(name: string, separator: string) {
    if (separator.length !== 1 || '"\r\n'.includes(separator))
      throw new GraphError(
        'bad-mapping',
        name,
        `separator is ${JSON.stringify(separator)}; it is one character, no quote and no line end`,
      )
    this.#name = name
    this.#separator = separator.charCodeAt(0)
  }

  /** The records that this piece of text completes. Throws GraphError `bad-line`. */
  *push(text: string): Generator<CsvRecord, void, undefined> {
    /** Where the part of the present field in this piece begins. */
    let from = 0
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i)
      if (unit === LF) this.#line++
      const inside = this.#state === 'quoted' || this.#state === 'plain'
      if (this.#state === 'quoted' ? unit !== QUOTE : this.#isText(unit) && this.#state === 'plain') continue
      if (inside) this.#field += text.slice(from, i)
      if (this.#take(unit)) yield this.#record()
      from = this.#state === 'plain' && !inside ? i : i + 1
    }
    if (this.#state === 'quoted' || this.#state === 'plain') this.#field += text.slice(from)
    this.#checkLength()
  }

  /** The last record, where the text does not end with a line. Throws GraphError `bad-line` where a quote is open. */
  *end(): Generator<CsvRecord, void, undefined> {
    if (this.#state === 'quoted')
      throw new GraphError(
        'bad-line',
        `${this.#name}, line ${this.#start}`,
        'opens a quote that is never closed; a quoted field ends with a quote',
      )
    if (this.#state === 'return') throw this.#refuse('has a CR without LF')
    if (this.#state === 'before' && this.#fields.length === 0) return
    this.#finish()
    yield this.#record()
  }

  #isText(unit: number): boolean {
    return unit !== this.#separator && unit !== LF && unit !== CR && unit !== QUOTE
  }

  /** One unit that changes the state; true where it ends a record. */
  #take(unit: number): boolean {
    if (this.#state === 'return' && unit !== LF) throw this.#refuse('has a CR without LF')
    if (unit === QUOTE) this.#takeQuote()
    else if (unit === this.#separator) this.#finish()
    else if (unit === CR) this.#state = 'return'
    else if (unit === LF) return this.#endLine()
    else if (this.#state === 'closed') throw this.#refuse('goes on after a closing quote')
    else this.#state = 'plain'
    return false
  }

  #takeQuote(): void {
    if (this.#state === 'plain') throw this.#refuse('has a quote inside a field that is not quoted')
    if (this.#state === 'closed') this.#field += '"'
    this.#state = this.#state === 'quoted' ? 'closed' : 'quoted'
    this.#quoted = true
  }

  #finish(): void {
    this.#length += this.#field.length
    this.#fields.push(this.#field)
    this.#field = ''
    this.#state = 'before'
  }

  #endLine(): boolean {
    const empty = this.#fields.length === 0 && this.#field === '' && !this.#quoted
    if (!empty) this.#finish()
    else this.#start = this.#line
    this.#state = 'before'
    return !empty
  }

  #record(): CsvRecord {
    const record = { fields: this.#fields, line: this.#start }
    this.#fields = []
    this.#length = 0
    this.#quoted = false
    this.#start = this.#line
    return record
  }

  #checkLength(): void {
    if (this.#length + this.#field.length > LONGEST)
      throw tooLong(this.#name, this.#start, 'is a quote not closed?')
  }

  #refuse(what: string): GraphError {
    const place = `${this.#name}, line ${this.#line}, field ${this.#fields.length + 1}`
    const rule = 'a field with separators, quotes or line ends is quoted whole, its quotes doubled (RFC 4180)'
    return new GraphError('bad-line', place, `${what}; ${rule}`)
  }
}
