/**
 * Orders well-formed strings by code point (the order of their UTF-8 bytes), the same on every machine and in
 * every language.
 *
 * JavaScript's own `<` compares UTF-16 units, which puts U+FFFD after U+1F600.
 */
export function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    if (a.charCodeAt(i) === b.charCodeAt(i)) continue
    return rank(a.charCodeAt(i)) - rank(b.charCodeAt(i))
  }
  return a.length - b.length
}

/** Where a UTF-16 unit stands among units: surrogates, which begin code points from U+10000 up, come last. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}
