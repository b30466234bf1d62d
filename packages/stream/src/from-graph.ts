import {
  type Graph,
  GraphError,
  grow,
  isTensor,
  type Live,
  leaves,
  live,
  type Nested,
  type Tensor,
  type Tree,
} from '@bptt/graph'
import {
  asapScheduler,
  distinctUntilChanged,
  isObservable,
  map,
  Observable,
  type SchedulerLike,
  type Subscriber,
  Subscription,
  shareReplay,
} from 'rxjs'

/** A value of an input: fixed, or a stream of values. */
export type Driver = Nested | Tensor | Observable<Nested | Tensor>

/** The tree `Out` with an Observable of tensors in the place of every output. */
export type Observed<Out> = Out extends { readonly [name: string]: unknown }
  ? Out extends { readonly shape: unknown }
    ? Observable<Tensor>
    : { readonly [K in keyof Out]: Observed<Out[K]> }
  : unknown extends Out
    ? Tree<Observable<Tensor>>
    : Observable<Tensor>

/** How `fromGraph` gathers changes. */
export interface FromGraphOptions {
  /**
   * What a tick is: changes that arrive before this scheduler's next turn are one change. `asapScheduler`, where not given: all
   * that one event causes, computed right after it. `queueScheduler`: every change on its own, at once.
   * `animationFrameScheduler`: at most one computation a frame.
   */
  readonly scheduler?: SchedulerLike
}

/**
 * A graph as reactive dataflow: Observables in, Observables out, only what changed is computed.
 *
 * Inputs are nested like the graph's or flat by dotted name; one that is no Observable is fixed. Outputs begin when every input has a
 * value. Changes of one tick are one change: each node is computed at most once, and an output that comes out the same bit by
 * bit stays silent. Of several values of one input in a tick the last counts: inputs are states, not events.
 *
 * The outputs share their inputs, which are subscribed to while any output is; a late subscriber gets the present value. Outputs complete
 * when every input has, or one has without a value; they fail when an input does. What waits is computed first.
 *
 * @example
 * fromGraph(pricing, { rate: rate$, amount: amount$ }).total.subscribe(show)
 * @throws GraphError `missing-input`, `extra-input`; in the outputs, what `live` throws for a value that does not fit.
 */
export function fromGraph<In, Out>(
  graph: Graph<In, Out>,
  inputs: Tree<Driver>,
  { scheduler = asapScheduler }: FromGraphOptions = {},
): Observed<Out> {
  const sources = sourcesOf(graph, inputs)
  const results = new Observable<Outputs>(observer => new Tick(graph, sources, scheduler).run(observer))
  const shared = results.pipe(shareReplay({ bufferSize: 1, refCount: true }))
  return grow(
    graph.outputs.map(({ name }) => [
      name,
      shared.pipe(
        map(outputs => outputs.get(name)!),
        distinctUntilChanged(),
      ),
    ]),
  ) as Observed<Out>
}

type Outputs = ReadonlyMap<string, Tensor>

const isSource = (value: unknown): value is Driver =>
  isObservable(value) ||
  typeof value === 'number' ||
  Array.isArray(value) ||
  ArrayBuffer.isView(value) ||
  isTensor(value)

/** One source per input, by name. */
function sourcesOf(graph: Graph, inputs: Tree<Driver>): ReadonlyMap<string, Driver> {
  const given = new Map(leaves(inputs, isSource, 'fromGraph'))
  const known = graph.inputs.map(({ name }) => name)
  const [missing] = known.filter(name => !given.has(name))
  const [extra] = [...given.keys()].filter(name => !known.includes(name))
  if (extra !== undefined)
    throw new GraphError(
      'extra-input',
      `input '${extra}'`,
      `is not an input; inputs are ${known.join(', ') || 'none'}`,
    )
  if (missing !== undefined)
    throw new GraphError(
      'missing-input',
      `input '${missing}'`,
      `has no Observable and no value; given ${[...given.keys()].join(', ') || 'none'}`,
    )
  return given
}

/** One subscription to all inputs: what has changed since the last turn, and the graph that follows it. */
class Tick {
  readonly #graph: Graph
  readonly #scheduler: SchedulerLike
  readonly #streams: readonly (readonly [string, Observable<Nested | Tensor>])[]
  /** Values since the last turn, the fixed ones at the start. */
  #changed: Map<string, Nested | Tensor>
  /** Streams without a value so far. */
  #unknown: Set<string>
  #live: Live | undefined
  #turn: Subscription | undefined
  #asked = false

  constructor(graph: Graph, sources: ReadonlyMap<string, Driver>, scheduler: SchedulerLike) {
    this.#graph = graph
    this.#scheduler = scheduler
    const isStream = ([, source]: readonly [string, Driver]): boolean => isObservable(source)
    this.#streams = [...sources].filter(isStream) as [string, Observable<Nested | Tensor>][]
    this.#changed = new Map([...sources].filter(entry => !isStream(entry)) as [string, Nested | Tensor][])
    this.#unknown = new Set(this.#streams.map(([name]) => name))
  }

  run(observer: Subscriber<Outputs>): Subscription {
    const all = new Subscription(() => this.#turn?.unsubscribe())
    let open = this.#streams.length
    const end = (silent: boolean): void => {
      open--
      if (open > 0 && !silent) return
      this.#compute(observer)
      observer.complete()
    }
    for (const [name, stream] of this.#streams) {
      if (observer.closed) break
      all.add(
        stream.subscribe({
          next: value => this.#take(name, value, observer),
          error: error => {
            this.#compute(observer)
            observer.error(error)
          },
          complete: () => end(this.#unknown.has(name)),
        }),
      )
    }
    if (this.#streams.length === 0) end(true)
    return all
  }

  #take(name: string, value: Nested | Tensor, observer: Subscriber<Outputs>): void {
    this.#changed.set(name, value)
    this.#unknown.delete(name)
    if (this.#unknown.size > 0 || this.#asked) return
    this.#asked = true
    this.#turn = this.#scheduler.schedule(() => {
      this.#asked = false
      this.#compute(observer)
    })
  }

  /** One change of the graph by all that waits. */
  #compute(observer: Subscriber<Outputs>): void {
    if (this.#changed.size === 0 || this.#unknown.size > 0) return
    const values = Object.fromEntries(this.#changed)
    this.#changed = new Map()
    try {
      if (this.#live === undefined) this.#live = live(this.#graph, values)
      else this.#live.set(values)
    } catch (error) {
      observer.error(error)
      return
    }
    observer.next(new Map(leaves(this.#live.outputs as Tree<Tensor>, isTensor, 'fromGraph')))
  }
}
