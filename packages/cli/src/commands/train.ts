import { Command } from 'commander'
import { real, whole } from '../options.js'
import { type EstimatorOptions, estimatorOptions } from './estimator.js'
import { type CellName, modelOptions } from './model.js'
import { type OptimizerOptions, optimizerOptions } from './optimizer.js'
import { type SourceOptions, sourceOptions } from './source.js'

/** Where `bptt train --save` saves when no path is given. */
export const defaultSave = 'bptt-model.safetensors'

/** The options of `bptt train` as they were given, with the defaults of those that have one. */
export interface TrainOptions extends EstimatorOptions, OptimizerOptions, SourceOptions {
  readonly cell: CellName
  readonly hidden: number
  readonly seconds?: number
  readonly steps?: number
  readonly save?: string | true
  readonly checkpointEvery?: number
  readonly resume?: string
  readonly html?: string
  readonly json?: true
  readonly quiet?: true
}

const examples = `
Examples:
  bptt train --text notes.txt --seconds 60 --save
  bptt train --text notes.txt --cell gru --estimator tbptt --every 64 --json > run.jsonl
  bptt train --text notes.txt --save run.safetensors --checkpoint-every 1e5
  bptt train --text notes.txt --resume run.safetensors --seconds 600
  cat *.md | bptt train --text - --hidden 128 --steps 1e6 --save notes.safetensors
  bptt train --data machine.csv --input 'temperature,state:on|off' --target load --save load.safetensors
  sensor | bptt train --data - --format ndjson --input pressure --target pressure --ahead 1 --save

Each event (a character, a record) is predicted before it is learned from: in the first pass, losses are those of unseen events.
A run ends at its limit or with Ctrl-C; either way the model is saved where --save says.
--resume goes on with the options of the run before, others may be given: on the same events, bit for bit as if it had not been stopped.
A column is a name (a number), NAME:a|b|c (one of these words, one-hot) or NAME:8 (a list of 8 numbers, NDJSON only).

Exit codes: 0 ok, 1 the loss is not finite any more, 2 bad input, 130 Ctrl-C, 143 SIGTERM`

/** `bptt train`: learns a text one character at a time, or numbers record by record. */
export function trainCommand(): Command {
  const command = new Command('train').description(
    'learn a text character by character, or numbers record by record, online',
  )
  sourceOptions(command)
  limitOptions(command)
  modelOptions(command)
  estimatorOptions(command)
  optimizerOptions(command)
  outputOptions(command)
  return command.addHelpText('after', examples)
}

function limitOptions(command: Command): void {
  command
    .optionsGroup('Limits (with none, a text or file is read once; until a limit, again and again):')
    .option('--seconds <N>', 'stop after so much time', real('--seconds', { above: 0 }))
    .option(
      '--steps <N>',
      'stop after so many events, those before --resume included',
      whole('--steps', 1, 1e12),
    )
}

function outputOptions(command: Command): void {
  command
    .optionsGroup('Output:')
    .option('--save [PATH]', `save the model at the end (default PATH: ${defaultSave})`)
    .option(
      '--checkpoint-every <N>',
      'save every N events too, in the background',
      whole('--checkpoint-every', 1, 1e12),
    )
    .option('--resume <PATH>', 'go on from a saved model; saved there again, unless --save says otherwise')
    .option('--html <FILE>', 'write a page with plots; it is complete in itself')
    .option('--json', 'one JSON record a line on standard output, the last with "final": true')
    .option('--quiet', 'only the final figures')
}
