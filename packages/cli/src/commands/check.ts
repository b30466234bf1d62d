import { Command } from 'commander'
import type { Effort } from '../check/verdict.js'
import { lengths, whole } from '../options.js'
import { type Sizes, usualSizes } from './sizes.js'

/** The options of `bptt check`. */
export interface CheckOptions extends Effort {
  readonly export?: readonly string[]
  readonly size: Sizes
  readonly json?: true
}

const help = `
Cells are held to the laws of recurrent gradients, graphs to finite differences, ops to their own declaration. A function of
sizes, such as cell({ ... }), is called with inputs 2, hidden 3, outputs 2, symbols 5 and what --size gives. The module needs
no installed packages: it gets @bptt/graph, @bptt/unroll and @bptt/stream from this program.

Examples:
  bptt check leaky.ts
  bptt check cells.ts --export leaky --size hidden=4 --runs 20
  bptt check loss.ts --integers labels=10 --json

Exit codes: 0 every law holds, 1 one does not, 2 bad input, 130 Ctrl-C`

/** `bptt check`: the laws on what a module exports. */
export function checkCommand(): Command {
  return new Command('check')
    .description('hold the cells, graphs and ops of a TypeScript module to the laws of gradients')
    .argument('<FILE>', 'a TypeScript or JavaScript module')
    .option('--export <NAME...>', 'only these exports')
    .option(
      '--size <NAME=N>',
      'a size of cells that are made for the check',
      lengths('--size', usualSizes),
      usualSizes,
    )
    .option('--symbols <N>', 'the inputs of the cells are whole numbers below N', whole('--symbols', 1, 1e6))
    .option(
      '--integers <NAME=N>',
      'an input of a graph that holds whole numbers below N',
      lengths('--integers', {}),
      {},
    )
    .option('--runs <N>', 'random sequences, points or directions', whole('--runs', 1, 1e6), 5)
    .option('--steps <N>', 'the most steps of a sequence', whole('--steps', 1, 10), 5)
    .option('--seed <N>', 'of the random numbers', whole('--seed', 0, 2 ** 31 - 1), 1)
    .option('--json', 'one JSON record an export, the last line with "final": true')
    .addHelpText('after', help)
}
