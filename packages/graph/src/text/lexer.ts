import { GraphError } from '../error.js'

/** A piece of text: a word, text in quotes, a number, a sign, or the end. */
export interface Token {
  readonly kind: 'word' | 'quoted' | 'number' | 'sign' | 'end'
  /** A word or sign as it stands; quoted text without its quotes and escapes; a number as it is written. */
  readonly text: string
  /** Where it begins and ends, in UTF-16 units. */
  readonly start: number
  readonly end: number
}

const space = /\s+/y
const comment = /\/\/[^\n]*/y
const shapes: readonly (readonly [Token['kind'], RegExp])[] = [
  ['word', /[A-Za-z_$][\w$.]*/y],
  ['number', /-?(?:Infinity\b|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)/y],
  ['sign', /[()[\]{}:,=]/y],
]

/** Text read a token at a time, one token ahead. Comments run from `//` to the end of the line. */
export class Lexer {
  readonly text: string
  /** The token that is read next. */
  next: Token

  constructor(text: string) {
    this.text = text
    this.next = this.#scan(0)
  }

  /** The next token, which is then behind. */
  take(): Token {
    const token = this.next
    if (token.kind !== 'end') this.next = this.#scan(token.end)
    return token
  }

  /** True where the next token is this sign. */
  sees(sign: string): boolean {
    return this.next.kind === 'sign' && this.next.text === sign
  }

  /** True where the next token is this word, without quotes. */
  seesWord(word: string): boolean {
    return this.next.kind === 'word' && this.next.text === word
  }

  /** Takes the sign if it is next. */
  accept(sign: string): boolean {
    const there = this.sees(sign)
    if (there) this.take()
    return there
  }

  /** Takes the sign. @throws GraphError `parse` where something else stands there. */
  expect(sign: string, what = `'${sign}'`): Token {
    if (this.sees(sign)) return this.take()
    throw this.unexpected(what)
  }

  /** Takes a name, in quotes or not. @throws GraphError `parse` where something else stands there. */
  name(what: string): Token {
    if (this.next.kind === 'word' || this.next.kind === 'quoted') return this.take()
    throw this.unexpected(what)
  }

  /** The error that something else was expected at the next token. */
  unexpected(what: string): GraphError {
    return this.error(this.next, `found ${this.show(this.next)}; expected ${what}`)
  }

  /** An error at a token. */
  error(at: Token, detail: string, hint?: string): GraphError {
    return new GraphError('parse', this.place(at.start), detail, hint)
  }

  /** A token as messages quote it. */
  show({ kind, start, end }: Token): string {
    if (kind === 'end') return 'the end of the text'
    const text = this.text.slice(start, end)
    return kind === 'quoted' ? shortened(text) : `'${shortened(text)}'`
  }

  /** `line:column` of a position, both from 1. */
  place(at: number): string {
    const before = this.text.slice(0, at)
    const line = before.split('\n').length
    return `${line}:${at - before.lastIndexOf('\n')}`
  }

  #scan(from: number): Token {
    const start = this.#afterSpace(from)
    if (start >= this.text.length) return { kind: 'end', text: '', start, end: start }
    if (this.text[start] === "'") return this.#quoted(start)
    for (const [kind, pattern] of shapes) {
      pattern.lastIndex = start
      const found = pattern.exec(this.text)
      if (found !== null) return { kind, text: found[0], start, end: pattern.lastIndex }
    }
    throw this.#unreadable(start, 'this is no name, number or sign')
  }

  #afterSpace(from: number): number {
    let at = from
    for (;;) {
      const before = at
      for (const pattern of [space, comment]) {
        pattern.lastIndex = at
        if (pattern.test(this.text)) at = pattern.lastIndex
      }
      if (at === before) return at
    }
  }

  #quoted(start: number): Token {
    let at = start + 1
    while (at < this.text.length && this.text[at] !== "'" && this.text[at] !== '\n')
      at += this.text[at] === '\\' ? 2 : 1
    if (this.text[at] !== "'") throw this.#unreadable(start, 'its closing quote is missing')
    const inside = this.text.slice(start + 1, at)
    if (/\\(?!['\\nrt]|u[0-9a-fA-F]{4})/.test(inside.replaceAll('\\\\', '')))
      throw this.#unreadable(start, "a backslash stands before one of ' \\ n r t, or as \\u and four digits")
    return { kind: 'quoted', text: unescaped(inside), start, end: at + 1 }
  }

  #unreadable(start: number, why: string): GraphError {
    const found = shortened(this.text.slice(start, start + 30).split('\n')[0]!)
    return new GraphError('parse', this.place(start), `found ${JSON.stringify(found)}; ${why}`)
  }
}

const shortened = (text: string): string => (text.length > 40 ? `${text.slice(0, 37)}...` : text)

const letters: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' }

function unescaped(text: string): string {
  return text.replace(/\\(?:u(.{4})|(.))/g, (_, code: string | undefined, char: string) =>
    code === undefined ? (letters[char] ?? char) : String.fromCharCode(Number.parseInt(code, 16)),
  )
}
