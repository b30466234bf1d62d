import { Command } from 'commander'
import { contenders, usual } from './compare/contender.js'
import { costOf } from './compare/cost.js'
import { pageOf } from './compare/page.js'
import { type Race, race } from './compare/race.js'
import { closingRecord, recordOf } from './compare/record.js'
import { type Comparison, measured, unmeasured } from './compare/result.js'
import { notes, opening, raceLine, table } from './compare/view.js'
import { readCorpus } from './corpus.js'
import { exitCodes, Failure } from './failure.js'
import { exitCodeOf, type Interruption, interruption } from './interrupt.js'
import { textMaterial } from './material.js'
import type { CellName } from './model.js'
import { type OptimizerOptions, updatesOf } from './optimizer.js'
import { real, whole } from './options.js'
import { checkPagePath, writePage } from './page/file.js'
import { coloursFor, type LiveLine, liveLineOn, print } from './terminal.js'
import { modelOptions, optimizerOptions } from './train.js'

interface CompareOptions extends OptimizerOptions {
  readonly text: string
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

const help = `
Estimators are written full:N (exact gradients of episodes of N events), tbptt:K (credit is cut at every K-th event),
artbp:MEAN or artbp:MEAN,TAIL (credit is cut at random and made up for; TAIL is the exponent of the segment lengths).
All of them get the same events, the same start and the same optimizer.

Examples:
  bptt compare --text notes.txt
  bptt compare --text notes.txt --estimators tbptt:8 tbptt:64 artbp:64,4 --html report.html
  bptt compare --text notes.txt --cell gru --steps 1e5 --json > comparison.jsonl

Exit codes: 0 ok, 1 every estimator broke down, 2 bad input, 130 Ctrl-C, 143 SIGTERM (both after the table of what was done)`

/** `bptt compare`: gradient estimators side by side on one stream. */
export function compareCommand(): Command {
  const command = new Command('compare').description('gradient estimators side by side on one stream')
  command
    .optionsGroup('Stream:')
    .requiredOption('--text <FILE>', "a text, UTF-8; '-' reads standard input")
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
  return command.addHelpText('after', help).action(compare)
}

async function compare(options: CompareOptions): Promise<void> {
  if (options.html !== undefined) await checkPagePath(options.html)
  const updates = updatesOf(options)
  const plan = await planOf(options, updates.optimizer)
  if (!options.json) print(`${opening(plan, updates.text)}\n`)
  const live = liveLineOn(process.stderr)
  const stop = interruption()
  try {
    const comparison = await perform(plan, options, stop, live)
    live.clear()
    if (options.html !== undefined) await writePage(options.html, pageOf(plan, comparison, updates.text))
    show(plan, comparison, options)
    conclude(comparison, stop)
  } finally {
    live.clear()
    stop.release()
  }
}

async function planOf(options: CompareOptions, optimizer: Race['optimizer']): Promise<Race> {
  const { estimators, cell, hidden, seed, steps, seconds } = options
  const chosen = contenders(estimators, seed)
  const material = textMaterial(await readCorpus(options.text), cell, hidden)
  return {
    material,
    optimizer,
    contenders: chosen,
    cost: costOf(material.model, material.loss, optimizer),
    seed,
    limits: {
      steps: Math.min(steps, material.length ?? steps),
      ...(seconds === undefined ? {} : { seconds }),
    },
  }
}

/** Runs the race, then measures gradients; an interruption leaves what was reached. */
async function perform(
  plan: Race,
  { prefix, samples }: CompareOptions,
  stop: Interruption,
  live: LiveLine,
): Promise<Comparison> {
  const paint = coloursFor(process.stderr)
  const began = performance.now()
  const seconds = (): number => (performance.now() - began) / 1000
  const standings = await race(plan, stop.signal, (events, now) => {
    live.show(() => paint.cyan(raceLine(plan, events, now(), seconds())), seconds())
  })
  if (stop.cause !== undefined || prefix < 2) return unmeasured(plan.material, standings)
  return measured(plan.material, standings, { prefix, samples }, async label => {
    live.show(() => paint.cyan(`measuring the gradients of ${label} over ${prefix} events`), seconds())
    await new Promise(resolve => setImmediate(resolve))
    return stop.cause === undefined
  })
}

function show(plan: Race, comparison: Comparison, { json, html }: CompareOptions): void {
  if (json) {
    for (const result of comparison.results) print(JSON.stringify(recordOf(result, comparison)))
    print(JSON.stringify(closingRecord(plan, comparison, html)))
    return
  }
  print(table(comparison, coloursFor(process.stdout), process.stdout.columns ?? 80))
  print(`\n${notes(comparison)}`)
  if (html !== undefined) print(`\nThe page is in ${html}.`)
}

function conclude({ results }: Comparison, { cause }: Interruption): void {
  if (cause !== undefined) {
    process.exitCode = exitCodeOf(cause)
    if (cause !== 'closed output')
      process.stderr.write(`Stopped (${cause}); the table shows what was reached.\n`)
  }
  if (results.every(({ standing }) => standing.broken !== undefined))
    throw new Failure('every estimator broke down; try a smaller --lr', exitCodes.finding)
}
