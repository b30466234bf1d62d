import { EventEmitter } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { dropEchoes } from '../.house/echo.mjs'
import { failure } from '../.house/install.mjs'
import { jobs } from '../.house/jobs.mjs'
import { closing } from '../.house/reporter.mjs'
import { tooOld } from '../.house/version.mjs'
import { pages } from './docs/page.js'
import { emptyFolder, run } from './docs/run.js'
import { root } from './style/source.js'

describe('the Node check', () => {
  test('says in one sentence which Node is needed and which one runs', () => {
    expect(tooOld('18.20.4', '>=20.19')).toBe(
      'bptt needs Node 20.19 or newer and this is Node 18.20.4: ' +
        'install a current Node (https://nodejs.org) and run the same command again.',
    )
  })

  test('compares numbers, not text', () => {
    expect(tooOld('20.9.0', '>=20.19')).toContain('this is Node 20.9.0')
    expect(tooOld('8.0.0', '>=20.19')).toContain('this is Node 8.0.0')
  })

  test.each(['20.19.0', '20.20.2', '22.0.0', '100.0.0'])('lets Node %s pass', version => {
    expect(tooOld(version, '>=20.19')).toBe('')
  })
})

describe('the sentence after a failed install', () => {
  test.each([
    ['npm error code ECONNREFUSED', 'the package registry cannot be reached'],
    ['getaddrinfo EAI_AGAIN', 'the package registry cannot be reached'],
    ['ERR_PNPM_TARBALL_FETCH_TARBALL: error sending request', 'the package registry cannot be reached'],
    ['Cannot install with "frozen-lockfile"', 'pnpm-lock.yaml does not fit the package.json files'],
    ['ENOSPC: no space left on device', 'the disk is full'],
    ['EACCES: permission denied, mkdir', 'a folder may not be written'],
    ['something else', 'the installer stopped with an error'],
  ])('names the cause of %j', (output, cause) => {
    const sentence = failure(output)
    expect(sentence).toContain(`bptt could not install its dependencies: ${cause}`)
    expect(sentence).toMatch(/\(the installer's own words are in \.house.install\.log\)\.$/)
    expect(sentence).not.toContain('\n')
  })
})

describe('an interrupt', () => {
  test('that follows another within 300 ms is dropped, a later one is not, other signals never', () => {
    let time = 0
    const seen: string[] = []
    const target = new EventEmitter()
    dropEchoes(target, () => time)
    for (const signal of ['SIGINT', 'SIGTERM']) target.on(signal, () => seen.push(`${signal} ${time}`))
    for (const at of [1000, 1001, 1299, 1301]) {
      time = at
      target.emit('SIGINT')
    }
    target.emit('SIGTERM')
    target.emit('SIGTERM')
    expect(seen).toEqual(['SIGINT 1000', 'SIGINT 1301', 'SIGTERM 1301', 'SIGTERM 1301'])
  })
})

describe('the closing line of a test run', () => {
  test('counts what passed and failed, and names skipped tests only where there are any', () => {
    expect(closing({ passed: 12, failed: 0, skipped: 0 })).toBe('12 passed, 0 failed')
    expect(closing({ passed: 1, failed: 2, skipped: 3 })).toBe('1 passed, 2 failed, 3 skipped')
  })
})

describe('the npm scripts', () => {
  test('are the jobs, and npm run help has a sentence for each', async () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const names = Object.keys(scripts)
    expect(names).toEqual(Object.keys(jobs))
    for (const name of names)
      expect(scripts[name]).toMatch(new RegExp(`^(exec )?node .house/run.mjs ${name}$`))
    const { printed, code } = await run(process.execPath, ['.house/run.mjs', 'help'], root)
    expect(code).toBe(0)
    const lines = printed.trimEnd().split('\n')
    expect(lines.map(line => /^npm run (\w+) +\S.{3,}$/.exec(line)?.[1])).toEqual(names)
  })
})

test('the npm commands that pages name are scripts, of folders and files that are there', () => {
  // those of CONTRIBUTING.md are tried in a copy with its changes: test/contributing.test.ts
  const others = pages().filter(({ path }) => path !== 'CONTRIBUTING.md')
  const texts = others.map(({ path }) => readFileSync(join(root, path), 'utf8'))
  const named = (pattern: RegExp): string[] =>
    texts.flatMap(text => [...text.matchAll(pattern)].map(([, name]) => name!))
  const scripts = named(/\bnpm run (?:--silent )?([a-z]+)/g)
  const tested = named(/\bnpm test -- (?:-\S+ )*([\w./-]+)/g)
  expect(scripts.length).toBeGreaterThan(20)
  expect(tested.length).toBeGreaterThan(3)
  expect(scripts.filter(name => !Object.hasOwn(jobs, name))).toEqual([])
  expect(tested.filter(path => !existsSync(join(root, path)))).toEqual([])
})

test('npm run node runs a TypeScript file from where the user stands, with the packages of the clone', async () => {
  const folder = emptyFolder('node')
  writeFileSync(
    join(folder, 'mine.ts'),
    `import { tanh } from '@bptt/graph'
import { every } from '@bptt/unroll'
const count: number = process.argv.length
console.log(typeof tanh, every(3).text, count, process.argv[2])
`,
  )
  const job = [join(root, '.house', 'run.mjs'), 'node', 'mine.ts', 'given']
  const { printed } = await run('env', [`INIT_CWD=${folder}`, process.execPath, ...job], root)
  expect(printed).toBe('function every(3) 3 given\n')
})

test('the reference has every package and every page of the guide, in the order of its list', () => {
  const { entryPoints, projectDocuments } = JSON.parse(readFileSync(join(root, 'typedoc.json'), 'utf8'))
  const folders = readdirSync(join(root, 'packages')).map(name => `packages/${name}`)
  expect([...entryPoints].sort()).toEqual(folders.sort())
  const guide = readFileSync(join(root, 'docs/guide/README.md'), 'utf8')
  const listed = [...guide.matchAll(/^\d+\. \[.*?\]\((.*?)\)/gm)].map(([, page]) => `docs/guide/${page}`)
  expect(projectDocuments).toEqual([...listed, 'docs/ops.md', 'docs/references.md'])
  const pages = readdirSync(join(root, 'docs/guide')).filter(name => name !== 'README.md')
  expect([...listed].sort()).toEqual(pages.map(name => `docs/guide/${name}`).sort())
})
