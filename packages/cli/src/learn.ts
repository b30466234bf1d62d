import { GraphError, softmaxCrossEntropy } from '@bptt/graph'
import { type Report, type Sample, type Snapshot, type Trainer, trainer } from '@bptt/stream'
import { checkpoint, save } from '@bptt/stream/node'
import { from, identity, type MonoTypeOperatorFunction } from 'rxjs'
import type { Corpus } from './corpus.js'
import type { Credit } from './estimator.js'
import { sentence } from './failure.js'
import { type Cause, interruption } from './interrupt.js'
import { cellOf, encodeRecord, type ModelSpec, metadataKey } from './model.js'
import type { Updates } from './optimizer.js'
import { meter, type Progress } from './progress.js'
import { characters, type Limits } from './source.js'

/** Everything a training run is made of, checked and ready. */
export interface Plan {
  readonly corpus: Corpus
  readonly spec: ModelSpec
  readonly credit: Credit
  readonly updates: Updates
  readonly seed: number
  readonly limits: Limits
  /** Where the model is saved at the end, however it ends; undefined for nowhere. */
  readonly save?: string | undefined
  /** Characters after which the state is saved again; undefined for only at the end. */
  readonly checkpointEvery?: number | undefined
  /** The state to go on from. */
  readonly start?: Snapshot | undefined
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
  /** The path of the saved model; undefined where none was asked for, or nothing was learned. */
  readonly saved: string | undefined
}

/** Runs a plan to its limit, to a request to stop, or to a value that is not finite; then saves the model. */
export async function learn(
  plan: Plan,
  watch: (progress: Progress, report: Report) => void,
): Promise<Outcome> {
  const online = trainerOf(plan)
  const stop = interruption()
  try {
    const { progress, divergence, snapshot } = await run(plan, online, stop.signal, watch)
    const saved = await keep(plan, snapshot, progress)
    return { progress, snapshot, cause: stop.cause, divergence, saved }
  } finally {
    stop.release()
  }
}

function trainerOf({ spec, credit, updates, seed, start }: Plan): Trainer {
  return trainer({
    model: cellOf(spec),
    loss: softmaxCrossEntropy,
    estimator: credit.schedule,
    optimizer: updates.optimizer,
    seed,
    ...(start !== undefined && { from: start }),
  })
}

interface Run {
  readonly progress: Progress
  readonly divergence: string | undefined
  readonly snapshot: Snapshot
}

async function run(
  plan: Plan,
  online: Trainer,
  signal: AbortSignal,
  watch: (progress: Progress, report: Report) => void,
): Promise<Run> {
  const figures = meter(plan.start?.counters.events)
  const source = reading(plan, online, signal)
  const began = performance.now()
  const end = (divergence?: string): Run => ({
    progress: figures.progress,
    divergence,
    snapshot: source.snapshot(),
  })
  try {
    await from(source.samples)
      .pipe(
        online.train(),
        saving(plan, source, () => figures.progress),
      )
      .forEach(report => {
        watch(figures.add(report, (performance.now() - began) / 1000), report)
      })
    return end()
  } catch (error) {
    if (!isDivergence(error)) throw error
    return end(sentence(error))
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

function reading({ corpus, limits, credit, start }: Plan, online: Trainer, signal: AbortSignal): Source {
  let held: Snapshot | undefined
  const { ids } = corpus
  async function* samples(): AsyncGenerator<Sample, void, void> {
    yield* characters({ ids, limits, episode: credit.episode, from: start?.open.t, signal })
    const last = online.snapshot()
    if (last.counters.updates > 0 && last.open.t % (ids.length - 1) !== 0) held = last
  }
  return { samples: samples(), snapshot: () => held ?? online.snapshot() }
}

/** Saves the state every so many characters, where the plan says so; a save that fails is told of, and learning goes on. */
function saving(plan: Plan, source: Source, progress: () => Progress): MonoTypeOperatorFunction<Report> {
  const { save: path, checkpointEvery: every } = plan
  if (path === undefined || every === undefined) return identity
  return checkpoint(source, path, {
    every,
    metadata: () => metadataOf(plan, progress()),
    failed: error => process.stderr.write(`bptt train: ${sentence(error)}; learning goes on\n`),
  })
}

/** Saves the last good model; a run that learned nothing leaves what is there. */
async function keep(plan: Plan, snapshot: Snapshot, progress: Progress): Promise<string | undefined> {
  if (plan.save === undefined || progress.updates === 0) return undefined
  const { events, updates } = snapshot.counters
  await save(plan.save, snapshot, metadataOf(plan, { ...progress, events, updates }))
  return plan.save
}

function metadataOf(
  { spec, corpus, options }: Plan,
  { events, updates, recent, prequential }: Progress,
): Readonly<Record<string, string>> {
  const training = { ...options, characters: events, updates, bits: recent, prequentialBits: prequential }
  return { [metadataKey]: encodeRecord({ format: 1, model: spec, alphabet: corpus.alphabet, training }) }
}

function isDivergence(error: unknown): boolean {
  return error instanceof GraphError && error.code.includes('finite')
}
