import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Command } from 'commander'
import { type Corpus, packageCorpus } from './corpus.js'
import { creditOf } from './estimator.js'
import type { Outcome, Plan } from './learn.js'
import type { TextModel } from './model.js'
import { updatesOf } from './optimizer.js'
import { real, whole } from './options.js'
import { written } from './sample.js'
import { checkSavePath } from './savefile.js'
import { forPeople, forPrograms, wentWell } from './show.js'
import { coloursFor, print } from './terminal.js'
import { textSubject } from './text.js'
import { conclude, perform } from './train.js'
import { framed } from './view.js'

interface StartOptions {
  readonly seconds: number
  readonly seed: number
  readonly json?: true
}

const path = join('.bptt', 'model.safetensors')
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

const notes = `
Learns the TypeScript sources inside the installed rxjs package, shows how it gets on, writes a sample,
and saves the model in ${path} in the current folder.

Example:
  bptt start --seconds 10

Exit codes: 0 ok, 1 the loss is not finite any more, 2 bad input, 130 Ctrl-C, 143 SIGTERM`

/** `bptt start`: the demonstration that `npm start` runs. */
export function startCommand(): Command {
  return new Command('start')
    .description('watch a small LSTM learn to write TypeScript; what `npm start` runs')
    .option('--seconds <N>', 'how long to learn', real('--seconds', { above: 0 }), 40)
    .option(
      '--seed <N>',
      'of initial values, random cuts and the sample',
      whole('--seed', 0, Number.MAX_SAFE_INTEGER),
      1,
    )
    .option('--json', 'one JSON record a line on standard output, the last with "final": true')
    .addHelpText('after', notes)
    .action(start)
}

async function start(options: StartOptions): Promise<void> {
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
