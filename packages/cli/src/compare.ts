import type { CompareOptions } from './commands/compare.js'
import { contenders } from './compare/contender.js'
import { pageOf } from './compare/page.js'
import { type Race, race } from './compare/race.js'
import { closingRecord, recordOf } from './compare/record.js'
import { type Comparison, measured, unmeasured } from './compare/result.js'
import { taskMaterial } from './compare/task.js'
import { notes, opening, raceLine, table } from './compare/view.js'
import { exitCodes, Failure } from './failure.js'
import { exitCodeOf, type Interruption, interruption } from './interrupt.js'
import type { Material } from './material.js'
import { updatesOf } from './optimizer.js'
import { checkPagePath, writePage } from './page/file.js'
import { refuseNumbers, subjectOf } from './subject.js'
import { coloursFor, type LiveLine, liveLineOn, print } from './terminal.js'

/** Sets estimators side by side on one stream. */
export async function compare(options: CompareOptions): Promise<void> {
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
