import { GraphError, softmaxCrossEntropy } from '@bptt/graph'
import { type Report, type Snapshot, type Trainer, trainer } from '@bptt/stream'
import { save } from '@bptt/stream/node'
import { from } from 'rxjs'
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
    const { progress, divergence } = await run(plan, online, stop.signal, watch)
    const snapshot = online.snapshot()
    const saved = await keep(plan, snapshot, progress)
    return { progress, snapshot, cause: stop.cause, divergence, saved }
  } finally {
    stop.release()
  }
}

function trainerOf({ spec, credit, updates, seed }: Plan): Trainer {
  return trainer({
    model: cellOf(spec),
    loss: softmaxCrossEntropy,
    estimator: credit.schedule,
    optimizer: updates.optimizer,
    seed,
  })
}

interface Run {
  readonly progress: Progress
  readonly divergence: string | undefined
}

async function run(
  plan: Plan,
  online: Trainer,
  signal: AbortSignal,
  watch: (progress: Progress, report: Report) => void,
): Promise<Run> {
  const { corpus, limits, credit } = plan
  const samples = characters({ ids: corpus.ids, limits, episode: credit.episode, signal })
  const figures = meter()
  const began = performance.now()
  try {
    await from(samples)
      .pipe(online.train())
      .forEach(report => {
        watch(figures.add(report, (performance.now() - began) / 1000), report)
      })
    return { progress: figures.progress, divergence: undefined }
  } catch (error) {
    if (!isDivergence(error)) throw error
    return { progress: figures.progress, divergence: sentence(error) }
  }
}

/** Saves the last good model; a run that learned nothing leaves what is there. */
async function keep(plan: Plan, snapshot: Snapshot, progress: Progress): Promise<string | undefined> {
  if (plan.save === undefined || progress.updates === 0) return undefined
  const { events, updates, recent, prequential } = progress
  const training = {
    ...plan.options,
    characters: events,
    updates,
    bits: recent,
    prequentialBits: prequential,
  }
  const record = encodeRecord({ format: 1, model: plan.spec, alphabet: plan.corpus.alphabet, training })
  await save(plan.save, snapshot, { [metadataKey]: record })
  return plan.save
}

function isDivergence(error: unknown): boolean {
  return error instanceof GraphError && error.code.includes('finite')
}
