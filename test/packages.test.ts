import { join } from 'node:path'
import { checkPackage } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { build } from 'vite'
import { beforeAll, describe, expect, test } from 'vitest'
import { fresh } from '../.house/build.mjs'
import { dense } from '../.house/dense.mjs'
import { run } from './docs/run.js'
import { astray } from './packages/maps.js'
import { kindsOf, type Packed, packAll, textOf, unpaired } from './packages/pack.js'
import { consumer, project, write } from './packages/project.js'
import { bundleSize } from './packages/size.js'
import { complaints } from './packages/types.js'
import { packages, root } from './style/source.js'

const names = packages().map(({ name }) => name)
const place = join(root, 'node_modules', '.house', 'packages')
let all: Packed[] = []
let folder = ''

beforeAll(async () => {
  if (!fresh())
    throw new Error('The packages are not built from these sources: run `npm test`, which builds them first.')
  all = await packAll(join(place, 'tarballs'))
  folder = project(join(place, 'stranger'), all, ['rxjs', 'fast-check'])
}, 60_000)

const packed = (name: string): Packed => all.find(({ manifest }) => manifest.name === `@bptt/${name}`)!

/** The files that do something when they are loaded: what is run by name, in a shell or as a worker. */
const programs = ({ bin = {}, exports }: Packed['manifest']): false | string[] => {
  const hosts = Object.values(exports).some(to => typeof to === 'object' && to.default.includes('/host'))
  const files = [...Object.values(bin), ...(hosts ? ['./dist/worker/host.js', './dist/node/host.js'] : [])]
  return files.length > 0 && files
}

/** Ways to find a package from CommonJS, which none of ours claims to be: `attw --profile esm-only`. */
const commonjs: ReadonlySet<string> = new Set(['node10', 'node16-cjs'])

describe.each(names)('the packed package %s', name => {
  // a change that is meant: npm test -- test/packages.test.ts -u
  test('holds what test/packages/files says, and no other kind of file', async () => {
    await expect(`${kindsOf(packed(name)).join('\n')}\n`).toMatchFileSnapshot(`packages/files/${name}.txt`)
  })

  test('holds what is built of each of its sources, and nothing that has none', () => {
    expect(unpaired(packed(name))).toEqual([])
  })

  test('has dense scripts, whose maps lead to the lines of its sources', () => {
    const scripts = packed(name).files.filter(file => /^dist\/.*\.js$/.test(file))
    const texts = scripts.map(file => textOf(packed(name), file))
    expect(scripts.filter((_, i) => dense(texts[i]!) !== texts[i] || /[^\0-\xff]/.test(texts[i]!))).toEqual(
      [],
    )
    expect(scripts.flatMap((file, i) => astray(packed(name), file, texts[i]!))).toEqual([])
  })

  test('tells what it is', () => {
    const { manifest } = packed(name)
    expect(manifest).toMatchObject({ license: 'MIT', engines: { node: '>=20.19' } })
    expect(manifest.description).toMatch(/^[A-Z].*\.$/)
    expect(manifest.keywords).toContain('bptt')
    expect(manifest.sideEffects).toEqual(programs(manifest))
  })

  test('depends on versions, not on this workspace', () => {
    const { dependencies, peerDependencies } = packed(name).manifest
    const ranges = Object.values({ ...dependencies, ...peerDependencies })
    expect(ranges.filter(range => !/^\^\d+\.\d+\.\d+$/.test(range))).toEqual([])
  })

  test('passes publint, its suggestions included', async () => {
    const { messages, pkg } = await publint({ pack: { tarball: packed(name).tarball }, strict: true })
    expect(messages.map(message => formatMessage(message, pkg))).toEqual([])
  })

  test('passes are-the-types-wrong for ES modules', async () => {
    const result = await checkPackage(packed(name).contents)
    const problems = result.types ? result.problems : []
    expect(result.types).toMatchObject({ kind: 'included' })
    expect(problems.filter(one => !('resolutionKind' in one && commonjs.has(one.resolutionKind)))).toEqual([])
  }, 60_000)
})

describe('in an empty project with the packed packages', () => {
  test('plain JavaScript trains a model', async () => {
    const { code, all } = await run(process.execPath, [consumer(folder, 'plain.js')], folder)
    expect({ code, all }).toEqual({ code: 0, all: '{"events":299,"finite":true}\n' })
  }, 60_000)

  test('every door opens', async () => {
    const doors = all.flatMap(({ manifest: { name, exports, sideEffects } }) =>
      Object.entries(exports)
        .filter(([, to]) => typeof to === 'object' && !(sideEffects || []).includes(to.default))
        .map(([door]) => name + door.slice(1)),
    )
    const program = `for (const door of ${JSON.stringify(doors)}) if (Object.keys(await import(door)).length < 1) throw door`
    write(join(folder, 'doors.js'), program)
    const { code, all: printed } = await run(process.execPath, ['doors.js'], folder)
    expect({ code, printed }).toEqual({ code: 0, printed: '' })
  }, 60_000)

  test('the program bptt runs', async () => {
    const { manifest } = packed('cli')
    const bin = join(folder, 'node_modules', manifest.name, manifest.bin!['bptt']!)
    const { code, all } = await run(process.execPath, [bin, '--version'], folder)
    expect({ code, all }).toEqual({ code: 0, all: `${manifest.version}\n` })
  }, 60_000)

  test.each(['bundler', 'nodenext'] as const)(
    'TypeScript finds the types (%s)',
    resolution => {
      expect(complaints(consumer(folder, 'typed.ts'), resolution)).toEqual([])
    },
    60_000,
  )

  test('Vite builds a page whose script trains a model', async () => {
    consumer(folder, 'plain.js')
    write(join(folder, 'index.html'), '<!doctype html><script type="module" src="/plain.js"></script>\n')
    const built = await build({
      root: folder,
      configFile: false,
      logLevel: 'error',
      build: { modulePreload: false },
    })
    const script = [built].flat().flatMap(one => ('output' in one ? one.output : []))[0]!.fileName
    const { code, all } = await run(process.execPath, [join(folder, 'dist', script)], folder)
    expect({ code, all }).toEqual({ code: 0, all: '{"events":299,"finite":true}\n' })
  }, 60_000)

  // what it weighs in detail: npm run size
  test('an LSTM trainer for the browser stays in its budget', async () => {
    const { gzipped } = await bundleSize(folder, consumer(folder, 'plain.js'))
    expect(gzipped).toBeLessThan(70_000)
  }, 60_000)
})
