import { GraphError } from '@bptt/graph'
import { type OperatorFunction, Subject, type Subscription } from 'rxjs'
import type { Snapshot } from '../state.js'
import { type TrainerOptions, trainer } from '../trainer.js'
import type { Report } from '../update.js'
import { type Event, unpack } from './pack.js'
import { type Answer, failureOf, type Load, type Port, type Request } from './protocol.js'

/** A module that a hosted trainer is made of: its default export, or one named `options`, is the options or a function that makes them. */
type HostedModule = Readonly<Record<'default' | 'options', unknown>>

/** A trainer of any kind of event. */
interface Online {
  readonly train: () => OperatorFunction<Event, Report>
  readonly snapshot: () => Snapshot
}

/** Runs a trainer for the thread at the other end. */
export function serve(port: Port): void {
  const answer = (message: Answer): void => port.send(message)
  let online: Online | undefined
  let run: Run | undefined
  const open = async ({ module, settings, from }: Extract<Request, { kind: 'open' }>): Promise<void> => {
    try {
      const options = await optionsOf(module, settings)
      online = trainer({ ...options, ...(from && { from }) }) as unknown as Online
      answer({ kind: 'ready' })
    } catch (error) {
      answer({ kind: 'refused', error: failureOf(error) })
    }
  }
  port.listen(
    (request: Request) => {
      if (request.kind === 'open') void open(request)
      else if (request.kind === 'snapshot')
        answer({ kind: 'snapshot', id: request.id, snapshot: online!.snapshot() })
      else if (request.kind === 'begin') run = new Run(online!, request.run, answer)
      else if (request.run === run?.number) run.take(request)
    },
    () => undefined,
  )
}

async function optionsOf(module: string, settings: unknown): Promise<TrainerOptions> {
  const found = (await import(/* @vite-ignore */ /* webpackIgnore: true */ module)) as HostedModule
  const made = found.default ?? found.options
  const options: unknown = typeof made === 'function' ? await made(settings) : made
  if (typeof options === 'object' && options !== null && 'model' in options) return options as TrainerOptions
  throw new GraphError(
    'bad-module',
    module,
    'exports no trainer options; its default export is the options or a function that makes them',
  )
}

/** One subscription to the trainer. */
class Run {
  readonly #source = new Subject<Event>()
  readonly #subscription: Subscription
  readonly #answer: (message: Answer) => void
  readonly number: number
  #reports: Report[] = []
  #end: Pick<Extract<Answer, { kind: 'reports' }>, 'error' | 'done'> = {}

  constructor(online: Online, number: number, answer: (message: Answer) => void) {
    this.number = number
    this.#answer = answer
    this.#subscription = this.#source.pipe(online.train()).subscribe({
      next: report => this.#reports.push(report),
      error: error => {
        this.#end = { error: failureOf(error) }
      },
      complete: () => {
        this.#end = { done: true }
      },
    })
  }

  take(request: Extract<Request, { run: number }>): void {
    if (request.kind === 'leave') {
      this.#subscription.unsubscribe()
      return
    }
    if (request.kind === 'events') for (const event of eventsOf(request.load)) this.#source.next(event)
    if (request.kind === 'end') this.#source.complete()
    const reports = this.#reports
    this.#reports = []
    this.#answer({ kind: 'reports', run: this.number, reports, ...this.#end })
  }
}

const eventsOf = (load: Load): readonly Event[] => ('packed' in load ? unpack(load.packed) : load.events)
