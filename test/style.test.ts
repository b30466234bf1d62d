import { describe, expect, test } from 'vitest'
import { run } from './docs/run.js'
import { doors, exportedAny, exportedNames, exportedStars } from './style/exports.js'
import { functions, quantile } from './style/functions.js'
import { forbiddenImports, importCycles } from './style/imports.js'
import { longFiles, longFunctions } from './style/measure.js'
import { cited, listed } from './style/references.js'
import { examples, packages, root, source, sources } from './style/source.js'

const all = sources()

describe('the sources', () => {
  test('import only what the direction graph ← unroll ← stream ← cli allows', () => {
    expect(forbiddenImports(all)).toEqual([])
  })

  test('have no import cycle', () => {
    expect(importCycles(all)).toEqual([])
  })

  test('say any in no exported declaration', () => {
    expect(exportedAny(all)).toEqual([])
  })

  test('name what they export', () => {
    expect(exportedStars(all)).toEqual([])
  })

  test('have no file over 500 lines', () => {
    expect(longFiles([...all, ...examples()])).toEqual([])
  })

  test('have no function over 60 lines', () => {
    expect(longFunctions([...all, ...examples()])).toEqual([])
  })

  // what is meant to be unused is named in knip.jsonc
  test('and the tests export nothing that no one imports, and depend on nothing that no one uses', async () => {
    const { all } = await run(process.execPath, ['node_modules/knip/bin/knip.js', '--no-progress'], root)
    expect(all).toBe('')
  }, 60_000)

  test('stand behind every door that a package.json names', () => {
    const paths = doorsWithoutSource()
    expect(paths).toEqual([])
  })
})

describe('the papers', () => {
  const citing = [...all, ...examples()]

  test('that the sources cite are in docs/references.md', () => {
    const known = listed()
    expect(cited(citing).filter(({ key }) => !known.includes(key))).toEqual([])
  })

  test('in docs/references.md are cited, and stand in the order of their keys', () => {
    const keys = new Set(cited(citing).map(({ key }) => key))
    expect(listed().filter(key => !keys.has(key))).toEqual([])
    expect(listed()).toEqual([...new Set(listed())].sort())
  })

  test('are found one by one, and shapes are none', () => {
    const file = source(
      'packages/graph/src/a.ts',
      '// [hidden] [batch, hidden]\n// [a-b2001, c1999]; see [d2010, eq. 3].',
    )
    expect(cited([file])).toEqual([
      { key: 'a-b2001', at: 'packages/graph/src/a.ts:2' },
      { key: 'c1999', at: 'packages/graph/src/a.ts:2' },
      { key: 'd2010', at: 'packages/graph/src/a.ts:2' },
    ])
    expect(listed('# R\n\n- **[a1]** x\n- **[b2]** y [arXiv](z)\n')).toEqual(['a1', 'b2'])
  })
})

describe('the import check', () => {
  const complaints = (path: string, text: string): string[] => forbiddenImports([source(path, text)])

  test('refuses an import against the direction, with its place', () => {
    expect(complaints('packages/graph/src/a.ts', "\nimport { cell } from '@bptt/unroll'")).toEqual([
      "packages/graph/src/a.ts:2 imports '@bptt/unroll': graph may import immer",
    ])
    expect(complaints('packages/unroll/src/a.ts', "export { x } from '@bptt/stream/node'")).toHaveLength(1)
    expect(complaints('packages/stream/src/a.ts', "import type { x } from '@bptt/cli'")).toHaveLength(1)
    expect(complaints('packages/unroll/src/a.ts', "import { x } from '@bptt/graph/op'")).toEqual([])
    expect(complaints('packages/cli/src/a.ts', "import { x } from '@bptt/graph'")).toEqual([])
  })

  test('refuses rxjs below stream and any library nobody agreed to', () => {
    expect(complaints('packages/unroll/src/a.ts', "import { map } from 'rxjs'")).toHaveLength(1)
    expect(complaints('packages/stream/src/a.ts', "import { map } from 'rxjs/operators'")).toEqual([])
    expect(complaints('packages/cli/src/a.ts', "import chalk from 'chalk'")).toHaveLength(1)
  })

  test('lets only the cli and src/node/ import Node, statically or not', () => {
    expect(complaints('packages/stream/src/a.ts', "const fs = await import('node:fs')")).toEqual([
      "packages/stream/src/a.ts:1 imports 'node:fs': only the cli and files under src/node/ know Node",
    ])
    expect(complaints('packages/stream/src/node/a.ts', "import 'node:fs'")).toEqual([])
    expect(complaints('packages/cli/src/a.ts', "import 'node:fs'")).toEqual([])
  })

  test('lets only the laws import fast-check', () => {
    expect(complaints('packages/graph/src/a.ts', "import fc from 'fast-check'")).toHaveLength(1)
    expect(complaints('packages/graph/src/laws.ts', "import fc from 'fast-check'")).toEqual([])
    expect(complaints('packages/unroll/src/laws/cell.ts', "import fc from 'fast-check'")).toEqual([])
  })

  test('refuses a relative path into another package', () => {
    expect(complaints('packages/graph/src/a.ts', "import '../../unroll/src/b.js'")).toHaveLength(1)
  })
})

describe('the cycle check', () => {
  const file = (name: string, ...imported: string[]) =>
    source(`packages/graph/src/${name}.ts`, imported.map(one => `import '${one}'`).join('\n'))

  test('spells out each cycle once', () => {
    const files = [
      file('a', './b.js'),
      file('b', './ops/c.js', './d.js'),
      file('ops/c', '../a.js'),
      file('d', './e.js'),
      file('e', './d.js'),
    ]
    expect(importCycles(files)).toEqual([
      'packages/graph/src/a.ts → packages/graph/src/b.ts → packages/graph/src/ops/c.ts → packages/graph/src/a.ts',
      'packages/graph/src/d.ts → packages/graph/src/e.ts → packages/graph/src/d.ts',
    ])
  })

  test('sees a file that imports itself', () => {
    expect(importCycles([file('a', './a.js')])).toEqual(['packages/graph/src/a.ts → packages/graph/src/a.ts'])
  })

  test('has nothing against two ways to the same file', () => {
    expect(importCycles([file('a', './b.js', './c.js'), file('b', './c.js'), file('c')])).toEqual([])
  })
})

describe('the function measure', () => {
  const lines = (count: number): string => 'f()\n'.repeat(count)

  test('counts lines from the head to the closing brace, without the comment', () => {
    const text = `/**\n * says\n */\nexport function long(): void {\n${lines(59)}}\nfunction short() {\n${lines(58)}}`
    const file = source('packages/graph/src/a.ts', text)
    expect(functions(file).map(one => one.lines)).toEqual([61, 60])
    expect(longFunctions([file])).toEqual(['long (packages/graph/src/a.ts:4) has 61 lines'])
  })

  test('names methods, accessors, constructors and functions held by a name', () => {
    const text = `class A { constructor() {} get b() { return 1 } c() {} d = () => 1 }
      const e = { f: function () {}, g() {} }
      const h = () => 1
      declare function i(): void
      i(() => { i(() => 1) })`
    const names = functions(source('packages/graph/src/a.ts', text)).map(({ name }) => name)
    expect(names).toEqual(['constructor', 'b', 'c', 'd', 'f', 'g', 'h', '(no name)'])
  })

  test('takes quantiles that are members of the sample', () => {
    expect([0, 0.5, 0.9, 1].map(p => quantile([4, 1, 3, 2, 5, 6, 7, 8, 9, 10], p))).toEqual([1, 5, 9, 10])
    expect(quantile([], 0.5)).toBe(0)
  })
})

describe('the file measure', () => {
  test('fails the 501st line', () => {
    const file = (count: number) => source(`packages/graph/src/${count}.ts`, 'f()\n'.repeat(count))
    expect(longFiles([file(500), file(501)])).toEqual(['packages/graph/src/501.ts has 501 lines'])
  })
})

describe('the export check', () => {
  const file = source(
    'packages/graph/src/index.ts',
    `export function a(x: any): void {}
     export interface B { c: any[] }
     export function d(): number { const inner: any = 1; return inner }
     function e(x: any): void {}
     export const f: number = 1
     export { g, h as i } from './g.js'
     export type { j } from './j.js'
     export * as k from './k.js'
     export * from './l.js'`,
  )

  test('finds any in exported types and leaves bodies and private functions alone', () => {
    expect(exportedAny([file])).toEqual(['packages/graph/src/index.ts:1', 'packages/graph/src/index.ts:2'])
  })

  test('finds export *, which hides the names', () => {
    expect(exportedStars([file])).toEqual(['packages/graph/src/index.ts:9'])
  })

  test('lists the names that come through a door', () => {
    const manifest = { exports: { '.': { default: './dist/index.js' }, './package.json': './package.json' } }
    expect(exportedNames(file)).toEqual(['a', 'B', 'd', 'f', 'g', 'i', 'j', 'k'])
    expect(doors({ name: 'graph', manifest }, [file])).toEqual([
      {
        door: '@bptt/graph',

        names: ['a', 'B', 'd', 'f', 'g', 'i', 'j', 'k'],
      },
    ])
  })
})

function doorsWithoutSource(): string[] {
  return packages()
    .flatMap(one => doors(one, all))
    .filter(({ names }) => names === undefined)
    .map(({ door }) => door)
}
