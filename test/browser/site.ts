import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { dirname, extname, join } from 'node:path'
import typescript from 'typescript'
import { packages, root } from '../style/source.js'

/** A web site on this machine that serves the built packages as they are. */
export interface Site {
  /** `http://127.0.0.1:port`. */
  readonly origin: string
  /** Paths that were asked for and are not there. */
  readonly missing: readonly string[]
  readonly close: () => Promise<void>
}

/** What a page and its workers are served with that may share memory between threads. */
const isolation = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
}

/** Serves the built packages, what they import and the modules of this folder, on a free port. */
export async function serve(): Promise<Site> {
  const missing: string[] = []
  const server = createServer(async (request, response) => {
    const path = new URL(request.url!, 'http://site').pathname
    try {
      const [type, text] = await answer(path)
      // the port is another in the next run, so nothing old is ever met
      const headers = { 'content-type': `${type}; charset=utf-8`, 'cache-control': 'max-age=3600, immutable' }
      response.writeHead(200, { ...headers, ...(path === '/' ? {} : isolation) })
      response.end(text)
    } catch (error) {
      missing.push(path)
      response.writeHead(404).end(String(error))
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return { origin: `http://127.0.0.1:${port}`, missing, close: () => closed(server) }
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise(resolve => server.close(() => resolve()))
}

/** Folders of the libraries. tslib is rxjs's own, and lies where rxjs finds it. */
const libraries = (): Readonly<Record<string, string>> => {
  const near = createRequire(join(root, 'package.json'))
  const rxjs = near.resolve('rxjs/package.json')
  return {
    rxjs: dirname(rxjs),
    immer: dirname(near.resolve('immer/package.json')),
    tslib: dirname(createRequire(rxjs).resolve('tslib/package.json')),
  }
}

/** Where a page finds each name that a module imports: the doors of the packages, and the libraries. */
function importMap(): Readonly<Record<string, string>> {
  const doors = packages().flatMap(({ name, manifest }) =>
    Object.entries(manifest.exports).flatMap(([door, target]) =>
      typeof target === 'string'
        ? []
        : [[`@bptt/${name}${door.slice(1)}`, `/packages/${name}/${target.default.slice(2)}`] as const],
    ),
  )
  return {
    ...Object.fromEntries(doors),
    rxjs: '/libraries/rxjs/dist/esm/index.js',
    tslib: '/libraries/tslib/tslib.es6.mjs',
    // the other build of immer reads `process.env`, which a bundler would replace
    immer: '/libraries/immer/dist/immer.production.mjs',
  }
}

const mapScript = (): string =>
  `<script type="importmap">${JSON.stringify({ imports: importMap() })}</script>`

const page = (): string => `<!doctype html>
<meta charset="utf-8">
<link rel="icon" href="data:,">
${mapScript()}`

/** Answers `[name, argument]` with what that function of the experiment gives. */
const worker = `import * as experiment from '/resolved/test/browser/experiment.ts'
onmessage = ({ data: [name, argument] }) => postMessage(experiment[name](argument))
`

const own = /^\/(packages\/[a-z]+\/dist|test\/browser|docs\/examples)\/[\w./-]+$/
const library = /^\/libraries\/(\w+)\/([\w./-]+)$/

async function answer(path: string): Promise<readonly [type: string, text: string]> {
  if (path === '/' || path === '/isolated') return ['text/html', page()]
  if (path === '/worker.js') return ['text/javascript', worker]
  if (path.endsWith('.html')) {
    const text = await readFile(fileOf(path), 'utf8')
    return ['text/html', text.replace('<!-- import map -->', mapScript)]
  }
  const plain = path.replace(/^\/resolved\//, '/')
  const text = await script(fileOf(plain))
  return ['text/javascript', plain === path ? text : resolved(text)]
}

function fileOf(path: string): string {
  if (own.test(path)) return join(root, path)
  const [, name, rest] = library.exec(path) ?? []
  const folder = libraries()[name ?? '']
  if (folder === undefined) throw new Error(`${path} is not served`)
  return join(folder, extname(rest!) === '' ? `${rest}.js` : rest!) // rxjs leaves out the endings
}

/** A module as JavaScript. */
async function script(file: string): Promise<string> {
  const text = await readFile(file, 'utf8')
  if (!file.endsWith('.ts')) return text
  const compilerOptions = { module: typescript.ModuleKind.ESNext, target: typescript.ScriptTarget.ES2023 }
  return typescript.transpileModule(text, { compilerOptions, fileName: file }).outputText
}

/** Import maps do not reach workers: for them names are replaced in the text. */
function resolved(text: string): string {
  const imports = importMap()
  return text.replace(/(\bfrom |\bimport )(['"])([^./'"][^'"]*)\2/g, (found, word, quote, name) =>
    Object.hasOwn(imports, name) ? `${word}${quote}/resolved${imports[name]}${quote}` : found,
  )
}
