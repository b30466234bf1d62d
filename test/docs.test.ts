import { copyFileSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { fresh } from '../.house/build.mjs'
import { javascript, typeErrors } from './docs/check.js'
import { commandOutputs, commands, elsewhere, runnable } from './docs/commands.js'
import { fileOf, type Page, page, pages } from './docs/page.js'
import { missing, type Program, programs } from './docs/program.js'
import { type Ended, emptyFolder, installBptt, run, runTogether, type Script } from './docs/run.js'
import { root } from './style/source.js'

const all = pages()

beforeAll(() => {
  if (!fresh())
    throw new Error('The packages are not built from these sources: run `npm test`, which builds them first.')
})

test('every TypeScript block of the pages passes the type checker', () => {
  expect(typeErrors(all.flatMap(programs))).toEqual([])
}, 120_000)

describe('the programs of', () => {
  let ended: Promise<ReadonlyMap<Program, Ended>> | undefined

  test.concurrent.each(named(one => programs(one).length > 0))(
    '%s run, and print what the page shows',
    async (_, one) => {
      ended ??= allEnded()
      for (const [program, { code, printed, all }] of await ended) {
        if (program.page !== one.path) continue
        expect({ line: program.line, code, all }).toEqual({ line: program.line, code: 0, all })
        expect(
          missing(program.outputs, printed),
          `${one.path} shows this, and the program prints:\n${printed}`,
        ).toEqual([])
      }
    },
    150_000,
  )
})

test('a program that fails is told from those beside it, as is one that ends their process', async () => {
  const folder = emptyFolder('runner')
  const texts = [
    "console.log('a')",
    "setTimeout(() => { throw new Error('late') })",
    'await 0; await x',
    'process.exit()',
    '',
  ]
  const scripts = texts.map((text, i) => {
    writeFileSync(join(folder, `${i}.mjs`), text)
    return [folder, `${i}.mjs`] as const
  })
  const ended = await runTogether(scripts)
  expect(ended.map(({ code }) => code)).toEqual([0, 1, 1, null, null])
  expect(ended.map(({ printed }) => printed)).toEqual(['a\n', '', '', '', ''])
  expect(ended[1]!.all).toContain('Error: late')
  expect(ended[2]!.all).toContain('x is not defined')
}, 60_000)

describe('the commands of', () => {
  test.concurrent.each(named(one => shown(one).length > 0))(
    '%s run',
    async (_, one) => {
      const folder = folderOf(one, 'commands')
      let printed = ''
      for (const { text, line } of shown(one)) {
        const ended = await run('sh', ['-c', runnable(text)], folder)
        printed += ended.all
        expect({ line, text, code: ended.code, all: ended.all }).toEqual({
          line,
          text,
          code: 0,
          all: ended.all,
        })
      }
      expect(
        missing(commandOutputs(one), printed),
        `${one.path} shows this, and the commands print:\n${printed}`,
      ).toEqual([])
    },
    180_000,
  )

  test('the list of commands run elsewhere names no other', () => {
    const texts = all.flatMap(commands).map(({ text }) => text)
    expect(Object.keys(elsewhere).filter(text => !texts.includes(text))).toEqual([])
  })
})

describe('the links of', () => {
  test.each(named())('%s lead to files that are there', (_, { path, links }) => {
    expect(links.filter(link => !existsSync(join(root, path, '..', link)))).toEqual([])
  })
})

describe('the reading of a page', () => {
  const read = (text: string): Page => page('a.md', text)

  test('finds blocks with the lines they stand on', () => {
    expect(read('x\n```ts fresh\na\nb\n```\n````md\n```ts\n```\n````').blocks).toEqual([
      { language: 'ts', words: ['fresh'], line: 3, text: 'a\nb' },
      { language: 'md', words: [], line: 7, text: '```ts\n```' },
    ])
    expect(() => read('```ts\na')).toThrow('a.md:1 opens a block that does not end')
  })

  test('joins the blocks of a page, keeping their lines and importing a name once', () => {
    const text =
      "```ts\nimport { a, b } from 'c'\n```\n\n```ts\nimport { b, d } from 'c'\nimport { a } from 'c'\nb()\n```"
    const [program, ...more] = programs(read(text))
    expect(more).toEqual([])
    expect(program!.text.split('\n').map(line => line.trim())).toEqual([
      '',
      "import { a, b } from 'c'",
      '',
      '',
      '',
      "import {    d } from 'c'",
      '',
      'b()',
      'export {}',
      '',
    ])
  })

  test('tells page and line of a wrong type', () => {
    const [program] = programs(read("text\n```ts\nimport { tanh } from '@bptt/graph'\ntanh('a')\n```"))
    expect(typeErrors([program!])).toEqual([
      expect.stringMatching(/^a\.md:4 No overload[\s\S]*'string' is not assignable/),
    ])
  })

  test('begins another program where the fence says so, and sets files apart', () => {
    const text =
      '```ts\na\n```\n```ts file=x.ts\nb\n```\n```ts\nc\n```\n```ts fresh\nd\n```\n```output\n1\n```'
    const found = programs(read(text)).map(one => [one.text.replace(/\s+/g, ' '), one.outputs])
    expect(found).toEqual([
      [' a c export {} ', []],
      [' b export {} ', []],
      [' d export {} ', ['1']],
    ])
  })

  test('misses a text that is not printed, or printed too early', () => {
    expect(missing(['a', 'b'], 'a\nb\n')).toEqual([])
    expect(missing(['b', 'a', 'c'], 'a\nb\n')).toEqual(['a', 'c'])
  })

  test('takes commands line by line, without comments, joined where a line goes on', () => {
    const text = '```sh\na 1   # first\n\nb \\\n  2\nc\n```\n```output\nx\n```'
    expect(commands(read(text)).map(({ line, text }) => [line, text])).toEqual([
      [2, 'a 1'],
      [4, 'b    2'],
      [6, 'c'],
    ])
    expect(commandOutputs(read(text))).toEqual(['x'])
  })

  test('runs the built program for a second', () => {
    expect(runnable('npm run --silent bptt -- train --seconds 60 | npx bptt --help')).toBe(
      'bptt train --seconds 1 | bptt --help',
    )
    expect(runnable('npm start')).toBe('bptt start --seconds 1')
  })
})

/** The pages that are `wanted`, each with its path. */
function named(wanted: (one: Page) => boolean = () => true): (readonly [string, Page])[] {
  return all.filter(wanted).map(one => [one.path, one] as const)
}

/** How every program of the pages ends. One with tests of its own runs alone: the test runner of Node takes over its process. */
async function allEnded(): Promise<ReadonlyMap<Program, Ended>> {
  const written = all.flatMap(one => {
    const found = programs(one)
    if (found.length === 0) return []
    const folder = folderOf(one, 'programs')
    return found.map(program => [program, script(program, folder)] as const)
  })
  const alone = written.filter(([{ text }]) => text.includes("from 'node:test'"))
  const groups = [written.filter(one => !alone.includes(one)), ...alone.map(one => [one])]
  const results = await Promise.all(groups.map(group => runTogether(group.map(([, file]) => file))))
  return new Map(
    groups.flatMap((group, i) => group.map(([program], k) => [program, results[i]![k]!] as const)),
  )
}

function script(program: Program, folder: string): Script {
  const file = `program-${program.line}.mjs`
  writeFileSync(join(folder, file), javascript(program))
  return [folder, file]
}

/** The commands of a page that are run here. */
function shown(one: Page) {
  return commands(one).filter(({ text }) => !Object.hasOwn(elsewhere, text))
}

/** A folder with what the pages take for granted, a text and gradients of PyTorch's, and with the files that the page shows. */
function folderOf(one: Page, use: string): string {
  const folder = emptyFolder(`${one.path.replaceAll('/', '-')}-${use}`)
  installBptt(folder)
  writeFileSync(join(folder, 'notes.txt'), 'The cat sat on the mat. The dog sat by the cat.\n'.repeat(200))
  copyFileSync(join(root, 'test', 'golden', '02-elman.json'), join(folder, 'gradients.json'))
  for (const { words, text } of one.blocks) {
    const name = fileOf(words)
    if (name !== undefined) writeFileSync(join(folder, name), `${text}\n`)
  }
  return folder
}
