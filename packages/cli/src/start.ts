import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { path, type StartOptions } from './commands/start.js'
import { type Corpus, packageCorpus } from './corpus.js'
import { creditOf } from './estimator.js'
import type { Outcome, Plan } from './learn.js'
import type { TextModel } from './model.js'
import { updatesOf } from './optimizer.js'
import { written } from './sample.js'
import { checkSavePath } from './savefile.js'
import { forPeople, forPrograms, wentWell } from './show.js'
import { coloursFor, print } from './terminal.js'
import { textSubject } from './text.js'
import { conclude, perform } from './train.js'
import { framed } from './view.js'

const settings = {
  cell: 'lstm',
  hidden: 128,
  estimator: 'artbp',
  optimizer: 'adam',
  lr: 0.003,
  clip: 1,
} as const
const prompt = 'export function '
const headline = 'An LSTM learns to write TypeScript, online: each character is predicted, then learned from.'

/** Lets an LSTM learn to write TypeScript, and shows what came of it. */
export async function start(options: StartOptions): Promise<void> {
  const subject = textSubject(await corpusToLearn(), settings.cell, settings.hidden)
  const plan = planOf(options, subject)
  if (!options.json) print(coloursFor(process.stdout).bold(headline))
  const outcome = await perform(plan, (options.json ? forPrograms : forPeople)(false))
  if (!options.json && wentWell(outcome)) farewell(subject.described, plan.seed, outcome)
  conclude(plan, outcome)
}

async function corpusToLearn(): Promise<Corpus> {
  await mkdir(dirname(path), { recursive: true })
  await checkSavePath(path)
  return packageCorpus('rxjs')
}

function planOf({ seconds, seed }: StartOptions, subject: Plan['subject']): Plan {
  return {
    subject,
    credit: creditOf({ ...settings, seed }),
    updates: updatesOf(settings),
    seed,
    limits: { seconds },
    save: path,
    options: { ...settings, seed, seconds },
  }
}

function farewell(model: TextModel, seed: number, { snapshot }: Outcome): void {
  const known = [...prompt].every(symbol => model.alphabet.includes(symbol)) ? prompt : ''
  const text = [...written(model, snapshot, known, 300, { temperature: 0.6, seed })].join('')
  const bptt = process.env['BPTT_COMMAND'] ?? 'npx bptt'
  print(`\n${framed('what it writes now, temperature 0.6', known + text)}\n`)
  print('Next:')
  print(`  ${bptt} sample --model ${path} --length 500 --temperature 0.4`)
  print(`  ${bptt} train --text FILE --seconds 60 --save`)
  print(`  ${bptt} train --help`)
}
