import { describe, expect, test } from 'vitest'
import { dense } from '../.house/dense.mjs'

/** What a module exports as its default. */
const exported = async (text: string): Promise<unknown> =>
  (await import(`data:text/javascript,${encodeURIComponent(text)}`)).default

describe('a built file made dense', () => {
  const cases = [
    ["// one\nexport default 'a // b' // two\n", "\nexport default 'a // b'\n"],
    ['/** θ\n * ∂\n */\nexport default 7', '\n\n\nexport default 7'],
    [`export default \`/* θ */ \${1 /* two */ + \`// \${2}\`} //\``, null],
    ["export default ['//θ//', '/t//'].map(text => /[/]*θ\\/\\//.test(text)) // θ", null],
    ['const π = 3 // ≈\nexport default "π ≥ " + π', null],
    ['export default [4 / 2, 8 / /* ÷ */ 2 / 1, "\\u03b8é"]', null],
    ['export default (x => /* @__PURE__ */ x)(5) // é', 'export default (x => /* @__PURE__ */ x)(5)'],
    ['export default 1\n//# sourceMappingURL=a.js.map', 'export default 1\n//# sourceMappingURL=a.js.map'],
    ['export default {\n    // nothing\n}\n/* end */', 'export default {\n\n}\n'],
  ] as const

  test.each(cases)('means the same: %j', async (text, wanted) => {
    const made = dense(text)
    expect(await exported(made)).toEqual(await exported(text))
    expect(made).toMatch(/^[\0-\xff]*$/)
    expect(made.split('\n')).toHaveLength(text.split('\n').length)
    expect(dense(made)).toBe(made)
    if (wanted !== null) expect(made).toBe(wanted)
  })

  test('keeps the line that names its interpreter', () => {
    expect(dense('#!/usr/bin/env node\n// run\nmain()\n')).toBe('#!/usr/bin/env node\n\nmain()\n')
  })

  test('keeps the columns of what stands behind a comment in its line', () => {
    expect(dense('f(/* θ\n = */ 1)')).toBe('f(\n      1)')
  })
})
