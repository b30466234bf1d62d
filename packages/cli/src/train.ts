import type { Report } from '@bptt/stream'
import type { Command } from 'commander'
import { rates } from './commands/optimizer.js'
import { defaultSave, type TrainOptions } from './commands/train.js'
import { creditOf } from './estimator.js'
import { exitCodes, Failure } from './failure.js'
import { plural } from './format.js'
import { historian } from './history.js'
import { exitCodeOf } from './interrupt.js'
import { learn, type Outcome, type Plan } from './learn.js'
import { updatesOf } from './optimizer.js'
import { checkPagePath, writePage } from './page/file.js'
import { runPage } from './page/run.js'
import { adopt, checkStopped, readStopped, type Stopped } from './resume.js'
import { checkSavePath } from './savefile.js'
import { forPeople, forPrograms, type Show } from './show.js'
import { subjectOf } from './subject.js'

/** Learns a text one character at a time, or numbers record by record. */
export async function train(given: TrainOptions, command: Command): Promise<void> {
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
