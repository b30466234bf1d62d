import { Command } from 'commander'
import { lengths, oneOf, whole } from '../options.js'
import { type Sizes, usualSizes } from './sizes.js'

/** The ways to look at something. */
const views = ['describe', 'text', 'dot', 'mermaid', 'credit', 'plan'] as const

/** The name of a way to look at something. */
export type View = (typeof views)[number]

/** The options of `bptt inspect`. */
export interface InspectOptions {
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
    .option('--steps <N>', 'steps in time that a cell is unrolled for', whole('--steps', 1, 100_000), 48)
    .option('--estimators <NAME...>', 'as in bptt compare', ['full:1000000', 'tbptt:8', 'artbp:8,4'])
    .option('--seed <N>', 'of random cuts', whole('--seed', 0, Number.MAX_SAFE_INTEGER), 1)
    .option('--json', 'the view as one JSON record')
    .addHelpText('after', help)
}
