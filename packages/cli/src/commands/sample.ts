import { Command } from 'commander'
import type { Draw } from '../generate.js'
import { real, whole } from '../options.js'

/** The options of `bptt sample`. */
export interface SampleOptions extends Draw {
  readonly model: string
  readonly length: number
  readonly prompt: string
  readonly json?: true
}

const examples = `
Examples:
  bptt sample --model bptt-model.safetensors
  bptt sample --model bptt-model.safetensors --json | head -1
  bptt sample --model bptt-model.safetensors --length 1000 --temperature 0.6 --prompt 'export '

The same model, prompt, temperature and seed always give the same text.

Exit codes: 0 ok, 2 bad input, 130 Ctrl-C`

/** `bptt sample`: text written by a model that `bptt train` saved. */
export function sampleCommand(): Command {
  return new Command('sample')
    .description('let a saved model write')
    .requiredOption('--model <FILE>', 'a model saved by bptt train')
    .option('--length <N>', 'characters to write', whole('--length', 1, 1e9), 500)
    .option(
      '--temperature <X>',
      '0: always the likeliest, 1: as the model believes',
      real('--temperature', { min: 0, max: 100 }),
      0.8,
    )
    .option('--prompt <TEXT>', 'what the model reads first', '')
    .option('--seed <N>', 'of the random draws', whole('--seed', 0, Number.MAX_SAFE_INTEGER), 1)
    .option('--json', 'one JSON record for every few thousand characters, the last line with "final": true')
    .addHelpText('after', examples)
}
