import { Command } from 'commander'
import { real, whole } from '../options.js'
import { type CellName, modelOptions } from './model.js'
import { type OptimizerOptions, optimizerOptions } from './optimizer.js'
import { type SourceOptions, sourceOptions } from './source.js'
import { tasks } from './tasks.js'

/** What is compared where nothing is given. */
const usual = ['tbptt:8', 'tbptt:32', 'artbp:32,4'] as const

/** The options of `bptt compare`. */
export interface CompareOptions extends OptimizerOptions, SourceOptions {
  readonly task?: string
  readonly estimators: readonly string[]
  readonly cell: CellName
  readonly hidden: number
  readonly seed: number
  readonly steps: number
  readonly seconds?: number
  readonly prefix: number
  readonly samples: number
  readonly html?: string
  readonly json?: true
}

const help = (): string => `
Estimators are written
  full:N             exact gradients of episodes of N events
  tbptt:K            credit is cut at every K-th event
  artbp:MEAN,TAIL    credit is cut at random and made up for; TAIL, if given, is the exponent of the segment lengths
  bptt:H,EVERY       each loss goes back H events, an update every EVERY events (1, if not given)
  rtrl  snap:ORDER  uoro    forward in time, an update every event; for small nets
All of them get the same events, the same start and the same optimizer.

Tasks:
${taskList()}

Examples:
  bptt compare --text notes.txt
  bptt compare --task copy:20 --hidden 32 --estimators tbptt:8 tbptt:40 artbp:20,4 bptt:40,5
  bptt compare --task influence --estimators tbptt:10 artbp:10,6 rtrl --optimizer sgd --lr 1e-4
  bptt compare --data machine.csv --input temperature --target temperature --ahead 1
  bptt compare --text notes.txt --estimators tbptt:8 tbptt:64 artbp:64,4 --html report.html
  bptt compare --text notes.txt --cell gru --steps 1e5 --json > comparison.jsonl

Exit codes: 0 ok, 1 every estimator broke down, 2 bad input, 130 Ctrl-C, 143 SIGTERM (both after the table of what was done)`

function taskList(): string {
  const names = Object.entries(tasks).map(([name, { size }]) =>
    size === undefined ? name : `${name}:${size.name}`,
  )
  const width = Math.max(...names.map(name => name.length))
  return Object.values(tasks)
    .map(
      ({ about, size }, i) =>
        `  ${names[i]!.padEnd(width)}  ${about}${size === undefined ? '' : ` (${size.usual}, if not given)`}`,
    )
    .join('\n')
}

/** `bptt compare`: gradient estimators side by side on one stream. */
export function compareCommand(): Command {
  const command = new Command('compare').description('gradient estimators side by side on one stream')
  command.optionsGroup('Task:').option('--task <NAME>', 'one that is made up, see below')
  sourceOptions(command)
  command
    .optionsGroup('Limits:')
    .option('--steps <N>', 'stop after so many events', whole('--steps', 2, 1e12), 20_000)
    .option('--seconds <N>', 'stop after so much time', real('--seconds', { above: 0 }))
  command
    .optionsGroup('Estimators:')
    .option('--estimators <NAME...>', 'what is compared, written as below', [...usual])
  modelOptions(command)
  optimizerOptions(command)
  command
    .optionsGroup('Bias and variance against full BPTT:')
    .option('--prefix <N>', 'over so many first events; 0 leaves them out', whole('--prefix', 0, 1000), 96)
    .option('--samples <N>', 'gradients drawn of random cuts', whole('--samples', 2, 1e6), 400)
  command
    .optionsGroup('Output:')
    .option('--html <FILE>', 'write a page with plots; it is complete in itself')
    .option('--json', 'one JSON record an estimator, the last line with "final": true')
  return command.addHelpText('after', help())
}
