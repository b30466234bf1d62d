import { extname, resolve } from 'node:path'
import * as graph from '@bptt/graph'
import { type Graph, GraphError } from '@bptt/graph'
import * as graphBytes from '@bptt/graph/bytes'
import * as graphLaws from '@bptt/graph/laws'
import * as graphOnnx from '@bptt/graph/onnx'
import * as op from '@bptt/graph/op'
import * as stream from '@bptt/stream'
import * as streamNode from '@bptt/stream/node'
import { readBytes } from '@bptt/stream/node'
import * as streamSinks from '@bptt/stream/sinks'
import * as streamSources from '@bptt/stream/sources'
import type { Cell } from '@bptt/unroll'
import * as unroll from '@bptt/unroll'
import * as unrollLaws from '@bptt/unroll/laws'
import { createJiti } from 'jiti'
import type { Sizes } from './commands/sizes.js'
import { Failure, sentence } from './failure.js'

/** An op as the laws take it. */
type Op = Parameters<typeof graphLaws.opLaws>[0]

/** Something a module exports that commands know how to look at. */
export type Found =
  | { readonly name: string; readonly kind: 'cell'; readonly cell: Cell }
  | { readonly name: string; readonly kind: 'graph'; readonly graph: Graph }
  | { readonly name: string; readonly kind: 'op'; readonly op: Op }

const extensions: readonly string[] = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs']

/** True for a file that is a module by its name. */
export const isModule = (path: string): boolean => extensions.includes(extname(path).toLowerCase())

// the module gets the packages of this program, so that what it makes and what looks at it are of one make
const own = {
  '@bptt/graph': graph,
  '@bptt/graph/op': op,
  '@bptt/graph/bytes': graphBytes,
  '@bptt/graph/onnx': graphOnnx,
  '@bptt/graph/laws': graphLaws,
  '@bptt/unroll': unroll,
  '@bptt/unroll/laws': unrollLaws,
  '@bptt/stream': stream,
  '@bptt/stream/node': streamNode,
  '@bptt/stream/sinks': streamSinks,
  '@bptt/stream/sources': streamSources,
}

/**
 * Loads a TypeScript or JavaScript module and finds the cells, graphs and ops among its exports; `only` names those wanted.
 * @throws Failure where it cannot be loaded, exports none of them, or lacks one that is wanted.
 */
export async function loadModule(
  path: string,
  sizes: Sizes,
  only: readonly string[] = [],
): Promise<readonly Found[]> {
  await readBytes(path) // says in the usual words where there is no file
  if (!isModule(path))
    throw new GraphError(
      'not-a-module',
      path,
      `is no module by its name; modules end in ${extensions.join(', ')}`,
    )
  const exports = await imported(path)
  const names = Object.keys(exports)
  const missing = only.find(name => !names.includes(name))
  const listed = names.length === 0 ? 'nothing' : names.join(', ')
  if (missing !== undefined) throw new Failure(`${path} exports no '${missing}'; it exports ${listed}`)
  const wanted = Object.entries(exports).filter(([name]) => only.length === 0 || only.includes(name))
  const [found, refused]: [Found[], string[]] = [[], []]
  for (const [name, value] of once(wanted)) {
    const made = asFound(name, value, sizes)
    if (typeof made === 'string') refused.push(made)
    else if (made !== undefined) found.push(made)
  }
  if (found.length > 0) {
    for (const one of refused) process.stderr.write(`bptt: ${path}: ${one}; it is left out\n`)
    return found
  }
  const nothing = `${path} exports no cell, graph or op; it exports ${listed}`
  if (refused.length === 0)
    throw new Failure(`${nothing} (hint: export what is to be looked at: export const mine = cell({ ... }))`)
  throw new Failure(`${nothing}; ${refused.join('; ')} (hint: --size NAME=N gives sizes that a cell needs)`)
}

async function imported(path: string): Promise<Readonly<Record<string, unknown>>> {
  const jiti = createJiti(import.meta.url, { virtualModules: own, fsCache: false, interopDefault: false })
  try {
    return { ...(await jiti.import<Record<string, unknown>>(resolve(path))) }
  } catch (error) {
    const [first = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
    throw new Failure(`${path} cannot be loaded: ${first.trim()}${lineOf(error, resolve(path))}`)
  }
}

/** The line of a module that an error comes from, in brackets. */
function lineOf(error: unknown, path: string): string {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  const [, line] = stack.split(`${path}:`, 2)[1]?.match(/^(\d+)/) ?? []
  return line === undefined ? '' : ` (line ${line})`
}

/** Each value once, by its first name that is not `default`. */
function once(entries: readonly (readonly [string, unknown])[]): readonly (readonly [string, unknown])[] {
  const named = entries.filter(([name]) => name !== 'default')
  const rest = entries.filter(
    ([name, value]) => name === 'default' && !named.some(([, one]) => one === value),
  )
  return [...named, ...rest]
}

/** What a value is; a sentence where it is a function that makes no cell of these sizes, for a reason of ours. */
function asFound(name: string, value: unknown, sizes: Sizes): Found | string | undefined {
  if (isCell(value)) return { name, kind: 'cell', cell: value }
  if (isGraph(value)) return { name, kind: 'graph', graph: value }
  if (isObject(value) && isGraph(value['graph'])) return { name, kind: 'graph', graph: value['graph'] }
  if (typeof value !== 'function') return undefined
  if ('spec' in value) return { name, kind: 'op', op: value as unknown as Op }
  try {
    const made: unknown = value(sizes)
    return isCell(made) ? { name, kind: 'cell', cell: made } : undefined
  } catch (error) {
    // some other function, or a cell of other sizes
    return error instanceof GraphError ? `${name} refuses the sizes given: ${sentence(error)}` : undefined
  }
}

function isCell(value: unknown): value is Cell {
  if (!isObject(value)) return false
  return typeof value['step'] === 'function' && typeof value['init'] === 'function' && 'carry' in value
}

function isGraph(value: unknown): value is Graph {
  return isObject(value) && ['nodes', 'shapes', 'inputs', 'outputs'].every(part => Array.isArray(value[part]))
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
