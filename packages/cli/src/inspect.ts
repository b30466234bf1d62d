import { load } from '@bptt/stream/node'
import type { InspectOptions } from './commands/inspect.js'
import { contenders } from './compare/contender.js'
import { Failure } from './failure.js'
import { viewOf } from './inspect/subject.js'
import { cellOf, checkParams, decodeRecord } from './model.js'
import { type Found, isModule, loadModule } from './module.js'
import { print } from './terminal.js'

/** Prints a view of a model file, or of what a module exports. */
export async function inspect(path: string, options: InspectOptions): Promise<void> {
  const { view, steps, seed, json } = options
  const found = isModule(path) ? await exportOf(path, options) : await modelAt(path)
  const text = viewOf(found, view, { steps, contenders: contenders(options.estimators, seed) })
  print(json ? JSON.stringify({ file: path, name: found.name, kind: found.kind, view, text }) : text)
}

async function modelAt(path: string): Promise<Found> {
  const { metadata, params } = await load(path)
  const cell = cellOf(decodeRecord(metadata, path).model)
  checkParams(cell, params, path)
  return { name: path, kind: 'cell', cell }
}

async function exportOf(path: string, options: InspectOptions): Promise<Found> {
  const all = await loadModule(path, options.size, options.export === undefined ? [] : [options.export])
  const [first, second] = all
  if (second === undefined) return first!
  throw new Failure(`${path} exports ${all.map(({ name }) => name).join(', ')}; --export NAME chooses one`)
}
