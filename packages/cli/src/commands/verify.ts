import { Command } from 'commander'
import { real } from '../options.js'

/** The options of `bptt verify`. */
export interface VerifyOptions {
  readonly tolerance: number
  readonly json?: boolean
  readonly all?: boolean
}

const notes = `
A difference is relative: the largest |a - b| of a tensor over its largest expected entry. A tensor of zeros, as a
truncation makes them, is met by exact zeros only. A file may hold any of: outputs, carries, losses, gradients,
truncations, random truncations, products, lags, optimiser runs; test/golden/README.md describes them.

Examples:
  bptt verify my-model.json
  bptt verify test/golden/*.json --tolerance 1e-12
  bptt verify my-model.json --all

Exit codes: 0 all that was checked agrees, 1 a difference above the tolerance, 2 bad input, 130 Ctrl-C`

/** `bptt verify`: values and gradients computed elsewhere, such as by PyTorch, against those computed here. */
export function verifyCommand(): Command {
  return new Command('verify')
    .description('compare with outputs, losses and gradients from elsewhere, such as PyTorch')
    .argument('<FILE...>', 'JSON files of models, inputs and expected values')
    .option(
      '--tolerance <X>',
      'largest relative difference that agrees',
      real('--tolerance', { min: 0 }),
      1e-9,
    )
    .option('--json', 'one JSON record a line: every entry, then the counts')
    .option('--all', 'a line for every entry')
    .addHelpText('after', notes)
}
