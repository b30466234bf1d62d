import { load } from '@bptt/stream/node'
import { Command } from 'commander'
import { contenders } from './compare/contender.js'
import { Failure } from './failure.js'
import { type View, viewOf, views } from './inspect/subject.js'
import { cellOf, checkParams, decodeRecord } from './model.js'
import { type Found, loadModule, type Sizes, usualSizes } from './module.js'
import { lengths, oneOf, whole } from './options.js'
import { print } from './terminal.js'

interface InspectOptions {
  readonly view: View
  readonly export?: string
  readonly size: Sizes
  readonly steps: number
  readonly estimators: readonly string[]
  readonly seed: number
  readonly json?: true
}

const help = `
Views: describe (parameters, flops, bytes), text (the graph of a step, a line a node), dot and mermaid (the same as a drawing),
credit (which state edges pass credit back, under each of --estimators), plan (the kernels and the memory of the compiled gradient).

Examples:
  bptt inspect bptt-model.safetensors
  bptt inspect leaky.ts --view credit --steps 60 --estimators tbptt:8 artbp:8,4
  bptt inspect leaky.ts --export leaky --view dot | dot -Tsvg > leaky.svg

Exit codes: 0 ok, 2 bad input, 130 Ctrl-C`

/** `bptt inspect`: what is inside a model file, or inside what a module exports. */
export function inspectCommand(): Command {
  return new Command('inspect')
    .description('look into a model file, or into a cell or graph of a TypeScript module')
    .argument('<FILE>', 'a model saved by bptt train, or a module')
    .option('--view <NAME>', views.join(', '), oneOf('--view', views), 'describe')
    .option('--export <NAME>', 'this export of the module; needed where there are several')
    .option(
      '--size <NAME=N>',
      'a size of a cell that is made to be looked at',
      lengths('--size', usualSizes),
      usualSizes,
    )
    .option('--steps <N>', 'steps in time that a cell is unrolled for', whole('--steps', 1, 100_000), 24)
    .option('--estimators <NAME...>', 'as in bptt compare', ['full:1000000', 'tbptt:8', 'artbp:8,4'])
    .option('--seed <N>', 'of random cuts', whole('--seed', 0, Number.MAX_SAFE_INTEGER), 1)
    .option('--json', 'the view as one JSON record')
    .addHelpText('after', help)
    .action(inspect)
}

async function inspect(path: string, options: InspectOptions): Promise<void> {
  const { view, steps, seed, json } = options
  const found = path.endsWith('.safetensors') ? await modelAt(path) : await exportOf(path, options)
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
