import type { Report } from '@bptt/stream'
import { Command } from 'commander'
import { creditOf, defaults, type EstimatorOptions, estimators } from './estimator.js'
import { exitCodes, Failure } from './failure.js'
import { plural } from './format.js'
import { historian } from './history.js'
import { exitCodeOf } from './interrupt.js'
import { learn, type Outcome, type Plan } from './learn.js'
import { type CellName, cells } from './model.js'
import { defaultOver, type OptimizerOptions, optimizers, rates, schedules, updatesOf } from './optimizer.js'
import { oneOf, orNone, real, whole } from './options.js'
import { checkPagePath, writePage } from './page/file.js'
import { runPage } from './page/run.js'
import { adopt, checkStopped, readStopped, type Stopped } from './resume.js'
import { checkSavePath, defaultSave } from './savefile.js'
import { forPeople, forPrograms, type Show } from './show.js'
import { type SourceOptions, sourceOptions, subjectOf } from './subject.js'

/** The options of `bptt train` as they were given, with the defaults of those that have one. */
interface TrainOptions extends EstimatorOptions, OptimizerOptions, SourceOptions {
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
  return command.addHelpText('after', examples).action(train)
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

/** Options of the model and the seed. */
export function modelOptions(command: Command): void {
  command
    .optionsGroup('Model:')
    .option('--cell <NAME>', cells.join(', '), oneOf('--cell', cells), 'lstm')
    .option('--hidden <N>', 'numbers in the hidden state', whole('--hidden', 1, 4096), 64)
    .option('--seed <N>', 'of initial values and random cuts', whole('--seed', 0, Number.MAX_SAFE_INTEGER), 1)
}

function estimatorOptions(command: Command): void {
  const { every, mean, tail, episode } = defaults
  const exponent = orNone(real('--tail', { above: 2, max: 1000 }))
  command
    .optionsGroup('Gradient estimator, how far credit goes back in time:')
    .option('--estimator <NAME>', estimators.join(', '), oneOf('--estimator', estimators), 'artbp')
    .option(
      '--mean <L0>',
      `artbp: mean segment length (default: ${mean})`,
      real('--mean', { above: 1, max: 1e6 }),
    )
    .option(
      '--tail <ALPHA>',
      `artbp: segments of length l have chance l^-ALPHA, 'none' for a constant chance to cut (default: ${tail})`,
      exponent,
    )
    .option('--every <K>', `tbptt: cut at every K-th event (default: ${every})`, whole('--every', 1, 1e6))
    .option(
      '--episode <N>',
      `full: exact gradients of episodes of N events (default: ${episode})`,
      whole('--episode', 2, 1e6),
    )
}

/** Options of the optimizer. */
export function optimizerOptions(command: Command): void {
  const usual = optimizers.map(name => `${name} ${rates[name]}`).join(', ')
  command
    .optionsGroup('Optimizer:')
    .option('--optimizer <NAME>', optimizers.join(', '), oneOf('--optimizer', optimizers), 'adam')
    .option('--lr <RATE>', `learning rate (default: ${usual})`, real('--lr', { above: 0 }))
    .option(
      '--schedule <NAME>',
      `of the learning rate: ${schedules.join(', ')} (default: constant)`,
      oneOf('--schedule', schedules),
    )
    .option(
      '--over <N>',
      `inverse-sqrt: half the rate after 3 N updates; cosine: 0 after N updates (default: ${defaultOver})`,
      whole('--over', 1, 1e12),
    )
    .option('--warmup <N>', 'the rate rises over the first N updates', whole('--warmup', 1, 1e12))
    .option(
      '--clip <NORM>',
      "largest global norm of a gradient; 0 or 'none' for no limit",
      orNone(real('--clip', { min: 0 })),
      1,
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

async function train(given: TrainOptions, command: Command): Promise<void> {
  const before = given.resume === undefined ? undefined : await readStopped(given.resume)
  if (before !== undefined) adopt(command, before)
  const options = command.opts<TrainOptions>()
  const show = (options.json ? forPrograms : forPeople)(options.quiet === true)
  if (options.html !== undefined) await checkPagePath(options.html)
  const plan = await planOf(options, before)
  const past = historian()
  const outcome = await perform(plan, show, report => past.add(report))
  if (options.html !== undefined) await writePage(options.html, runPage(plan, outcome, past.history))
  conclude(plan, outcome)
}

/** Learns by a plan while showing it. */
export async function perform(
  plan: Plan,
  show: Show,
  record: (report: Report) => void = () => {},
): Promise<Outcome> {
  show.begin(plan)
  const outcome = await learn(plan, (progress, report) => {
    record(report)
    show.progress(plan, progress)
  })
  show.end(plan, outcome)
  return outcome
}

/**
 * Sets the exit code of a run that was stopped.
 * @throws Failure with exit code 1 where the run diverged, 2 where the source broke off.
 */
export function conclude({ subject }: Plan, { cause, divergence, broken, saved, progress }: Outcome): void {
  if (cause !== undefined) process.exitCode = exitCodeOf(cause)
  const after = `after ${plural(progress.events, subject.unit.event)}`
  if (broken !== undefined) {
    const kept = saved === undefined ? 'nothing is saved' : `the model is saved in ${saved}`
    throw new Failure(`${broken}; learning ended ${after}, ${kept}`)
  }
  if (divergence === undefined) return
  const kept = saved === undefined ? 'nothing is saved' : `the last good model is saved in ${saved}`
  throw new Failure(
    `learning broke down ${after}: ${divergence}; ${kept}; try a smaller --lr`,
    exitCodes.finding,
  )
}

/** Checks everything that can be checked before the first event is learned from. */
async function planOf(options: TrainOptions, before: Stopped | undefined): Promise<Plan> {
  const credit = creditOf(options)
  const updates = updatesOf(options)
  const save = await savePathOf(options)
  const subject = await subjectOf(options, before?.record)
  const limits = limitsOf(options)
  if (before !== undefined) checkStopped(before, subject, settings(options), limits)
  return {
    subject,
    credit,
    updates,
    seed: options.seed,
    limits,
    save,
    checkpointEvery: options.checkpointEvery,
    start: before?.snapshot,
    remembered: before?.record.yardsticks,
    options: settings(options),
  }
}

async function savePathOf({ save, resume, checkpointEvery }: TrainOptions): Promise<string | undefined> {
  const path = save === true ? defaultSave : (save ?? resume)
  if (path !== undefined) await checkSavePath(path)
  else if (checkpointEvery !== undefined)
    throw new Failure('--checkpoint-every needs a file to save in; name it with --save')
  return path
}

function limitsOf({ seconds, steps }: TrainOptions): Plan['limits'] {
  return { ...(seconds === undefined ? {} : { seconds }), ...(steps === undefined ? {} : { steps }) }
}

/** The options that shape the model; where it is saved and how it is shown do not. */
function settings(options: TrainOptions): Plan['options'] {
  const { save: _s, checkpointEvery: _c, resume: _r, html: _h, json: _j, quiet: _q, ...rest } = options
  return { ...rest, lr: options.lr ?? rates[options.optimizer] }
}
