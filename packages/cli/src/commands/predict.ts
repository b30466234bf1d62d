import { Command } from 'commander'
import { oneOf } from '../options.js'
import { type Format, formats, separatorOf } from './source.js'

/** The options of `bptt predict`. */
export interface PredictOptions {
  readonly model: string
  readonly data: string
  readonly format?: Format
  readonly separator?: string
  readonly columns?: string
  readonly json?: true
}

const help = `
Reads the columns that the model was trained on; the records need no targets. Writes CSV, a line a record, with the names of the targets; where the model
was trained with --ahead N, a line tells of N records later. The state begins with zeros, and anew where the column of --reset says so.

Examples:
  bptt predict --model load.safetensors --data today.csv > forecast.csv
  sensor | bptt predict --model load.safetensors --data - --format ndjson --json

Exit codes: 0 ok, 2 bad input, 130 Ctrl-C`

/** `bptt predict`: what a saved model of numbers says of records. */
export function predictCommand(): Command {
  return new Command('predict')
    .description('let a saved model of numbers predict')
    .requiredOption('--model <FILE>', 'a model saved by bptt train --data')
    .requiredOption(
      '--data <FILE>',
      "records, CSV with a header or NDJSON; '-' reads standard input as it comes",
    )
    .option('--format <NAME>', `${formats.join(', ')} (default: by extension)`, oneOf('--format', formats))
    .option('--separator <CHAR>', 'between the fields of CSV (default: a comma)', separatorOf)
    .option('--columns <NAMES>', 'names of the columns of CSV, where the first record is no header')
    .option('--json', 'one JSON record a line: the targets by name')
    .addHelpText('after', help)
}
