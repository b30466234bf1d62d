import { GraphError } from '@bptt/graph'
import { type MonoTypeOperatorFunction, Observable, type Subscriber } from 'rxjs'
import type { KeyedSnapshot } from '../keyed/state.js'
import type { Snapshot } from '../state.js'
import { saveKeyed } from './keyed.js'
import { save } from './model.js'

/** When a checkpoint is due, and what goes with it. */
export interface CheckpointOptions {
  /** A checkpoint is due whenever the events learned from pass a multiple of this; a number ≥ 1. */
  readonly every: number
  /** Entries of one's own beside the snapshot, asked for at every save. */
  readonly metadata?: () => Readonly<Record<string, string>>
  /** Called where a save fails, and training goes on until the next; where not given, the stream fails with the error. */
  readonly failed?: (error: GraphError) => void
}

/** What has a state to keep: a trainer, in this thread or in another, or a keyed one. */
export interface Keeper {
  /** The state as it is now. */
  readonly snapshot: () => Snapshot | KeyedSnapshot | Promise<Snapshot | KeyedSnapshot>
}

/**
 * Saves a trainer's state beside its training: after `train()`, reports pass through, and every so many events a snapshot is taken and
 * saved in the background as `save` (of a keyed trainer `saveKeyed`) does. One save at a time: what becomes due meanwhile is taken up at the first report after it. At the end or
 * an error of the stream the last state is saved before it is passed on; unsubscribing lets the save under way finish.
 *
 * @example
 * sensor$.pipe(online.train(), checkpoint(online, 'model.safetensors', { every: 1000 })).subscribe()
 * @throws GraphError `bad-checkpoint`; in the stream `cannot-write`.
 */
export function checkpoint<R extends { readonly events: number }>(
  keeper: Keeper,
  path: string,
  options: CheckpointOptions,
): MonoTypeOperatorFunction<R> {
  if (!(options.every >= 1))
    throw new GraphError(
      'bad-checkpoint',
      'checkpoint',
      `every is ${options.every}; it is a number of events ≥ 1`,
    )
  return reports => new Observable(observer => watch(reports, new Saver(keeper, path, options), observer))
}

function watch<R extends { readonly events: number }>(
  reports: Observable<R>,
  saver: Saver,
  observer: Subscriber<R>,
): () => void {
  const subscription = reports.subscribe({
    next: report => {
      if (saver.due(report.events)) saver.save().catch(error => observer.error(error))
      observer.next(report)
    },
    error: error => {
      const pass = (): void => observer.error(error)
      saver.last().then(pass, pass)
    },
    complete: () => {
      saver.last().then(
        () => observer.complete(),
        error => observer.error(error),
      )
    },
  })
  return () => subscription.unsubscribe()
}

/** Saves, one after the other. */
class Saver {
  readonly #keeper: Keeper
  readonly #path: string
  readonly #options: CheckpointOptions
  /** Multiples of `every` that had been passed at the last save. */
  #passed = 0
  #running: Promise<void> | undefined

  constructor(keeper: Keeper, path: string, options: CheckpointOptions) {
    this.#keeper = keeper
    this.#path = path
    this.#options = options
  }

  /** True where it is time to save, and no save is under way. */
  due(events: number): boolean {
    const passed = Math.floor(events / this.#options.every)
    if (this.#running !== undefined || passed <= this.#passed) return false
    this.#passed = passed
    return true
  }

  /** Saves the state as it is now. */
  save(): Promise<void> {
    const snapshot = this.#keeper.snapshot()
    this.#running = this.#write(snapshot).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #write(taken: ReturnType<Keeper['snapshot']>): Promise<void> {
    const { metadata, failed } = this.#options
    try {
      const snapshot = await taken
      if ('streams' in snapshot) await saveKeyed(this.#path, snapshot, metadata?.())
      else await save(this.#path, snapshot, metadata?.())
    } catch (error) {
      if (failed === undefined || !(error instanceof GraphError)) throw error
      failed(error)
    }
  }

  /** Waits for the save under way, then saves the last state. */
  async last(): Promise<void> {
    await this.#running?.catch(() => undefined)
    await this.save()
  }
}
