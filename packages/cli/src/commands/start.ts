import { join } from 'node:path'
import { Command } from 'commander'
import { real, whole } from '../options.js'

/** The options of `bptt start`. */
export interface StartOptions {
  readonly seconds: number
  readonly seed: number
  readonly json?: true
}

/** Where the demonstration saves. */
export const path: string = join('.bptt', 'model.safetensors')

const notes = `
Learns the TypeScript sources inside the installed rxjs package, shows how it gets on, writes a sample,
and saves the model in ${path} in the current folder.

Example:
  bptt start --seconds 10

Exit codes: 0 ok, 1 the loss is not finite any more, 2 bad input, 130 Ctrl-C, 143 SIGTERM`

/** `bptt start`: the demonstration that `npm start` runs. */
export function startCommand(): Command {
  return new Command('start')
    .description('watch a small LSTM learn to write TypeScript; what `npm start` runs')
    .option('--seconds <N>', 'how long to learn', real('--seconds', { above: 0 }), 40)
    .option(
      '--seed <N>',
      'of initial values, random cuts and the sample',
      whole('--seed', 0, Number.MAX_SAFE_INTEGER),
      1,
    )
    .option('--json', 'one JSON record a line on standard output, the last with "final": true')
    .addHelpText('after', notes)
}
