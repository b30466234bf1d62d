/**
 * A key that stands twice in one object of a JSON text: its name, and the index of its second opening quote.
 */
export interface Repeated {
  readonly key: string
  readonly at: number
}

/**
 * The first key that an object of `json` has twice, or `undefined`.
 *
 * `JSON.parse` keeps the last of two equal keys without a word, so two readers may see two different files.
 * `json` must be valid JSON; nesting costs no stack.
 */
export function repeatedKey(json: string): Repeated | undefined {
  const open: Set<string>[] = []
  for (let at = 0; at < json.length; at++) {
    const mark = json[at]
    if (mark === '{') open.push(new Set())
    else if (mark === '}') open.pop()
    if (mark !== '"') continue
    const end = closingQuote(json, at)
    const keys = open.at(-1)
    if (keys && isKey(json, end)) {
      const key = JSON.parse(json.slice(at, end + 1)) as string
      if (keys.has(key)) return { key, at }
      keys.add(key)
    }
    at = end
  }
  return undefined
}

/** Index of the quote that closes the string opened at `at`. */
function closingQuote(json: string, at: number): number {
  let end = at + 1
  while (json[end] !== '"') end += json[end] === '\\' ? 2 : 1
  return end
}

/** In valid JSON a string is a key exactly when a colon follows it. */
function isKey(json: string, end: number): boolean {
  let next = end + 1
  while (' \t\n\r'.includes(json[next] ?? '?')) next += 1
  return json[next] === ':'
}
