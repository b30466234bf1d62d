import { GraphError } from '@bptt/graph'
import { type Report, type Sample, type Snapshot, type Trainer, trainer } from '@bptt/stream'
import { checkpoint, save } from '@bptt/stream/node'
import { from, identity, type MonoTypeOperatorFunction } from 'rxjs'
import type { Credit } from './estimator.js'
import { sentence } from './failure.js'
import { type Cause, interruption } from './interrupt.js'
import type { Baseline, Subject, Yardsticks } from './material.js'
import { encodeRecord, type ModelRecord, metadataKey } from './model.js'
import type { Updates } from './optimizer.js'
import { meter, type Progress } from './progress.js'
import type { Limits } from './source.js'

/** Everything a training run is made of, checked and ready. */
export interface Plan {
  readonly subject: Subject
  readonly credit: Credit
  readonly updates: Updates
  readonly seed: number
  readonly limits: Limits
  /** Where the model is saved at the end, however it ends; undefined for nowhere. */
  readonly save?: string | undefined
  /** Events after which the state is saved again; undefined for only at the end. */
  readonly checkpointEvery?: number | undefined
  /** The state to go on from. */
  readonly start?: Snapshot | undefined
  /** What the simplest predictors remembered there. */
  readonly remembered?: unknown
  /** The options of the run, kept in the model file. */
  readonly options: Readonly<Record<string, unknown>>
}

/** How a training run ended. */
export interface Outcome {
  readonly progress: Progress
  readonly snapshot: Snapshot
  /** Who stopped the run before its limit. */
  readonly cause: Cause | undefined
  /** Why learning could not go on: a value that is not finite. The snapshot is the last good one. */
  readonly divergence: string | undefined
  /** What is wrong with the source behind the events that were learned from. */
  readonly broken: string | undefined
  /** The path of the saved model; undefined where none was asked for, or nothing was learned. */
  readonly saved: string | undefined
  /** What the simplest predictors lost on the same events. */
  readonly baselines: readonly Baseline[]
}

/** Runs a plan to its limit, to a request to stop, or to a value that is not finite; then saves the model. */
export async function learn(
  plan: Plan,
  watch: (progress: Progress, report: Report) => void,
): Promise<Outcome> {
  const online = trainerOf(plan)
  const stop = interruption()
  try {
    const rivals = plan.subject.yardsticks(plan.remembered)
    const end = await run({ plan, online, rivals, signal: stop.signal, watch })
    const saved = await keep(plan, end.snapshot, end.progress, rivals)
    return { ...end, cause: stop.cause, saved, baselines: rivals.baselines }
  } finally {
    stop.release()
  }
}

function trainerOf({ subject: { model, loss }, credit, updates, seed, start }: Plan): Trainer {
  return trainer({
    model,
    loss,
    estimator: credit.schedule,
    optimizer: updates.optimizer,
    seed,
    ...(start !== undefined && { from: start, changed: ['estimator', 'optimizer'] }), // options may be given anew
  })
}

/** What a run is made of. */
interface Course {
  readonly plan: Plan
  readonly online: Trainer
  readonly rivals: Yardsticks
  readonly signal: AbortSignal
  readonly watch: (progress: Progress, report: Report) => void
}

type End = Pick<Outcome, 'progress' | 'snapshot' | 'divergence' | 'broken'>

async function run(course: Course): Promise<End> {
  const { plan, online, watch } = course
  const figures = meter(plan.subject.unit, plan.start?.counters.events)
  const source = reading(course)
  const began = performance.now()
  const end = (): End => ({
    progress: figures.progress,
    snapshot: source.snapshot(),
    divergence: undefined,
    broken: undefined,
  })
  try {
    await from(source.samples)
      .pipe(
        online.train(),
        saving(course, source, () => figures.progress),
      )
      .forEach(report => {
        watch(figures.add(report, (performance.now() - began) / 1000), report)
      })
    return end()
  } catch (error) {
    if (!(error instanceof GraphError)) throw error
    const said = sentence(error)
    return error.code.includes('finite') ? { ...end(), divergence: said } : { ...end(), broken: said }
  }
}

/** The samples of a plan, and the state to save. */
interface Source {
  readonly samples: AsyncIterable<Sample>
  /**
   * The trainer's state. Where the samples have ended within a pass: the state then, before the open segment was learned from, so
   * that a run resumed from it is bitwise the one that was not stopped. At the end of a pass the segment ends in any case.
   */
  readonly snapshot: () => Snapshot
}

function reading({ plan: { subject, limits, credit, start }, online, rivals, signal }: Course): Source {
  let held: Snapshot | undefined
  const { length } = subject
  async function* samples(): AsyncGenerator<Sample, void, void> {
    for await (const sample of subject.samples({
      limits,
      episode: credit.episode,
      from: start?.open.t,
      signal,
    })) {
      rivals.see(sample)
      yield sample
    }
    const last = online.snapshot()
    const within = length === undefined || last.open.t % length !== 0
    if (last.counters.updates > 0 && within) held = last
  }
  return { samples: samples(), snapshot: () => held ?? online.snapshot() }
}

/** Saves the state every so many events, where the plan says so; a save that fails is told of, and learning goes on. */
function saving(
  { plan, rivals }: Course,
  source: Source,
  progress: () => Progress,
): MonoTypeOperatorFunction<Report> {
  const { save: path, checkpointEvery: every } = plan
  if (path === undefined || every === undefined) return identity
  return checkpoint(source, path, {
    every,
    metadata: () => metadataOf(plan, progress(), rivals),
    failed: error => process.stderr.write(`bptt train: ${sentence(error)}; learning goes on\n`),
  })
}

/** Saves the last good model; a run that learned nothing leaves what is there. */
async function keep(
  plan: Plan,
  snapshot: Snapshot,
  progress: Progress,
  rivals: Yardsticks,
): Promise<string | undefined> {
  if (plan.save === undefined || progress.updates === 0) return undefined
  const { events, updates } = snapshot.counters
  await save(plan.save, snapshot, metadataOf(plan, { ...progress, events, updates }, rivals))
  return plan.save
}

function metadataOf(
  { subject: { described, unit }, options }: Plan,
  { events, updates, recent, prequential }: Progress,
  { state }: Yardsticks,
): Readonly<Record<string, string>> {
  const reached = { events, updates, unit: unit.name, loss: prequential, lately: recent }
  const training = { ...options, reached }
  const record = { format: 1, ...described, training, ...(state !== undefined && { yardsticks: state }) }
  return { [metadataKey]: encodeRecord(record as ModelRecord) }
}
