import type { Command } from 'commander'
import { readCorpus } from './corpus.js'
import { Failure } from './failure.js'
import type { Subject } from './material.js'
import type { CellName, ModelRecord } from './model.js'
import { oneOf, whole } from './options.js'
import { columnsOf } from './records/columns.js'
import { type LossName, losses } from './records/loss.js'
import { type Format, formatOf, formats, type Recording } from './records/read.js'
import { recordSubject } from './records/subject.js'
import { liveLineOn } from './terminal.js'
import { textSubject } from './text.js'

/** What is learned: a text, or records with the columns that are read and predicted. */
export interface SourceOptions {
  readonly text?: string
  readonly data?: string
  readonly format?: Format
  readonly input?: string
  readonly target?: string
  readonly ahead?: number
  readonly loss?: LossName
  readonly scale?: number
  readonly reset?: string
  readonly weight?: string
  readonly separator?: string
  readonly columns?: string
  readonly skip?: boolean
}

const usual = { ahead: 0, loss: 'squared', scale: 1000 } as const

/** Options of what is learned. */
export function sourceOptions(command: Command): void {
  command
    .optionsGroup('Text:')
    .option('--text <FILE>', "a text, UTF-8; '-' reads standard input")
    .optionsGroup('Numbers:')
    .option('--data <FILE>', "records, CSV with a header or NDJSON; '-' reads standard input as it comes")
    .option('--format <NAME>', `${formats.join(', ')} (default: by extension)`, oneOf('--format', formats))
    .option('--separator <CHAR>', 'between the fields of CSV (default: a comma)', separatorOf)
    .option('--columns <NAMES>', 'names of the columns of CSV, where the first record is no header')
    .option('--skip', 'leave out records that do not fit, and say how many')
    .option('--input <COLUMNS>', 'what is read, with commas between')
    .option('--target <COLUMNS>', 'what is predicted')
    .option(
      '--ahead <N>',
      `targets are those of N records later (default: ${usual.ahead})`,
      whole('--ahead', 0, 1e6),
    )
    .option(
      '--loss <NAME>',
      `${losses.join(', ')}: told as RMSE, MAE, itself (default: ${usual.loss})`,
      oneOf('--loss', losses),
    )
    .option(
      '--scale <N>',
      `numbers to mean 0 and deviation 1 by the first N events; 0: as they are (default: ${usual.scale})`,
      whole('--scale', 0, 1e9),
    )
    .option('--reset <COLUMN>', 'true, or 1, where a sequence begins')
    .option('--weight <COLUMN>', 'numbers that multiply the losses')
}

/**
 * A separator of fields.
 * @throws Failure where it is not one character.
 */
export function separatorOf(text: string): string {
  if ([...text].length === 1) return text
  throw new Failure(`--separator must be one character, but is '${text}'`)
}

const ofNumbers = [
  'format',
  'input',
  'target',
  'ahead',
  'loss',
  'scale',
  'reset',
  'weight',
  'separator',
  'columns',
  'skip',
] as const

/**
 * What the options name, ready to be learned; where a run is resumed, on the scale of its file.
 * @throws Failure where they name nothing, or do not go together; GraphError where it cannot be read.
 */
export async function subjectOf(
  options: SourceOptions & { readonly cell: CellName; readonly hidden: number },
  before?: ModelRecord,
): Promise<Subject> {
  const { text, data, cell, hidden } = options
  if (text !== undefined && data !== undefined)
    throw new Failure('--text and --data are both given; a run learns one of them')
  if (data !== undefined) {
    const { loss = usual.loss, scale = usual.scale } = options
    const numbers = before !== undefined && 'numbers' in before ? before.numbers : undefined
    const recording = recordingOf(data, options)
    return recordSubject({ ...recording, cell, hidden, loss, scale, numbers }, liveLineOn(process.stderr))
  }
  if (text === undefined) throw new Failure('there is nothing to learn from; give --text FILE or --data FILE')
  refuseNumbers(options, '--text')
  return textSubject(await readCorpus(text), cell, hidden)
}

/**
 * Refuses options of records beside another source, which is named.
 * @throws Failure that names the first.
 */
export function refuseNumbers(options: SourceOptions, given: string): void {
  const foreign = ofNumbers.find(name => options[name] !== undefined)
  if (foreign !== undefined) throw new Failure(`--${foreign} belongs to --data, but ${given} is given`)
}

function recordingOf(path: string, options: SourceOptions): Recording {
  const { input, target, ahead = usual.ahead, reset, weight, separator, skip } = options
  const columns = options.columns?.split(',').map(name => name.trim())
  if (input === undefined || target === undefined)
    throw new Failure(
      `--data needs --${input === undefined ? 'input' : 'target'}, the columns that are ${input === undefined ? 'read' : 'predicted'}, with commas between`,
    )
  const [inputs, targets] = [columnsOf('--input', input), columnsOf('--target', target)]
  const named = targets.find(column => typeof column !== 'string' && 'categories' in column)
  if (named !== undefined)
    throw new Failure(
      `--target takes numbers, but '${target}' has a column of words; words may be read, with --input`,
    )
  return {
    path,
    format: formatOf(path, options.format),
    input: inputs,
    target: targets,
    ahead,
    reset,
    weight,
    separator,
    columns,
    skip,
  }
}
