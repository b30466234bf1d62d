import { Command } from 'commander'
import { contenders, usual } from './compare/contender.js'
import { pageOf } from './compare/page.js'
import { type Race, race } from './compare/race.js'
import { closingRecord, recordOf } from './compare/record.js'
import { type Comparison, measured, unmeasured } from './compare/result.js'
import { taskMaterial } from './compare/task.js'
import { tasks } from './compare/tasks.js'
import { notes, opening, raceLine, table } from './compare/view.js'
import { exitCodes, Failure } from './failure.js'
import { exitCodeOf, type Interruption, interruption } from './interrupt.js'
import type { Material } from './material.js'
import type { CellName } from './model.js'
import { type OptimizerOptions, updatesOf } from './optimizer.js'
import { real, whole } from './options.js'
import { checkPagePath, writePage } from './page/file.js'
import { refuseNumbers, type SourceOptions, sourceOptions, subjectOf } from './subject.js'
import { coloursFor, type LiveLine, liveLineOn, print } from './terminal.js'
import { modelOptions, optimizerOptions } from './train.js'

interface CompareOptions extends OptimizerOptions, SourceOptions {
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
  return command.addHelpText('after', help()).action(compare)
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
    const left = plan.material.leftOut?.()
    if (left !== undefined) process.stderr.write(`bptt compare: ${left}\n`)
    conclude(comparison, stop)
  } finally {
    live.clear()
    stop.release()
  }
}

async function planOf(options: CompareOptions, optimizer: Race['optimizer']): Promise<Race> {
  const { estimators, seed, steps, seconds, prefix } = options
  const chosen = contenders(estimators, seed)
  const material = await materialOf(options)
  return {
    material,
    optimizer,
    contenders: chosen,
    seed,
    prefix,
    limits: {
      steps: Math.min(steps, material.length ?? steps),
      ...(seconds === undefined ? {} : { seconds }),
    },
  }
}

function materialOf(options: CompareOptions): Material | Promise<Material> {
  const { task, text, data } = options
  const given = text === undefined ? (data === undefined ? undefined : '--data') : '--text'
  if (task === undefined) {
    if (given !== undefined) return subjectOf(options)
    throw new Failure('there is nothing to learn from; give --text FILE, --data FILE or --task NAME')
  }
  if (given !== undefined) throw new Failure(`--task and ${given} are both given; one stream is compared on`)
  refuseNumbers(options, '--task')
  return taskMaterial(task, options)
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
  const raced = await race(plan, stop.signal, (events, now) => {
    live.show(() => paint.cyan(raceLine(plan, events, now(), seconds())), seconds())
  })
  if (stop.cause !== undefined || prefix < 2) return unmeasured(plan.material, raced)
  return measured(plan.material, raced, samples, async label => {
    live.show(
      () => paint.cyan(`measuring the gradients of ${label} over ${raced.head.length} events`),
      seconds(),
    )
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
