import type { Command } from 'commander'
import { oneOf, whole } from '../options.js'

/** The recurrent cells `--cell` can name. */
export const cells = ['lstm', 'gru', 'elman'] as const

/** The name of a recurrent cell. */
export type CellName = (typeof cells)[number]

/** Options of the model and the seed. */
export function modelOptions(command: Command): void {
  command
    .optionsGroup('Model:')
    .option('--cell <NAME>', cells.join(', '), oneOf('--cell', cells), 'lstm')
    .option('--hidden <N>', 'numbers in the hidden state', whole('--hidden', 1, 4096), 64)
    .option('--seed <N>', 'of initial values and random cuts', whole('--seed', 0, Number.MAX_SAFE_INTEGER), 1)
}
