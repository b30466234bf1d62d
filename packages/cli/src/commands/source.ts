import type { Command } from 'commander'
import { Failure } from '../failure.js'
import { oneOf, whole } from '../options.js'

/** The formats `--format` can name. */
export const formats = ['csv', 'tsv', 'ndjson'] as const

/** The name of a format. */
export type Format = (typeof formats)[number]

/** The losses `--loss` can name. */
export const losses = ['squared', 'absolute', 'huber'] as const

/** The name of a loss. */
export type LossName = (typeof losses)[number]

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

/** The settings of records where none are given. */
export const usual = { ahead: 0, loss: 'squared', scale: 1000 } as const

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
