import { compile, evaluate, type Tensor, type Tree } from '@bptt/graph'
import { concat, from, type Observable, throwError } from 'rxjs'
import type { Guarded, GuardOptions } from './guard.js'
import type { Engine } from './learner.js'
import type { Setup } from './step.js'
import type { Report } from './update.js'
import type { Cutter, Window } from './window.js'

/** What became of some windows of a stream. */
export interface Lesson<R = Report> {
  readonly reports: readonly R[]
  /** What ended it, where it was not learned from all of them. */
  readonly failure?: { readonly error: unknown }
}

/** Learns from windows that a cutter has cut, in turn. One that fails is given back to it, with those after. */
export type Teach = (cutter: Cutter, windows: readonly Window[]) => Lesson

/** Teaches a learner: measures what the estimator asks for, and passes over windows as the policy says. */
export function teaching(
  setup: Setup,
  engine: Engine & GuardOptions,
  own: Pick<Guarded, 'learn' | 'state'>,
): Teach {
  const learn = measuring(setup, engine, own)
  return (cutter, windows) => {
    const reports: Report[] = []
    let left = windows
    try {
      while (left.length > 0) {
        const report = learn(left[0]!, cutter)
        reports.push(report)
        left =
          report.notFinite === undefined
            ? left.slice(1)
            : passOver(cutter, left, engine.notFinite === 'rollback')
      }
    } catch (error) {
      cutter.giveBack(left)
      return { reports, failure: { error } }
    }
    return { reports }
  }
}

/** The windows after the first, as they are once it was passed over. */
function passOver(cutter: Cutter, [first, ...rest]: readonly Window[], all: boolean): readonly Window[] {
  const anew = (lane: number): boolean => all || first!.lanes[lane]!.samples.some(({ reset }) => reset)
  return cutter.startAnew(anew, rest)
}

/** Learns from a window; where the estimator adapts, it is measured first, and the cutter told after. */
function measuring(
  setup: Setup,
  engine: Engine,
  own: Pick<Guarded, 'learn' | 'state'>,
): (window: Window, cutter: Cutter) => Report {
  const probe = setup.estimator.probe?.(setup)
  if (probe === undefined) return window => own.learn(window)
  const { run } =
    engine.engine === 'reference'
      ? { run: (values: object) => evaluate(probe.graph, values as never) }
      : compile(probe.graph, { dtype: 'float64', flavour: engine.flavour ?? 'fast' })
  return (window, cutter) => {
    const notes = cutter.notes ?? {}
    const asked = probe.when(notes) ? probe.inputs(window, own.state()) : []
    const found = asked.map(values => run(values as never) as Tree<Tensor>)
    const report = own.learn(window)
    cutter.notes = probe.next(notes, found)
    return report
  }
}

/** The reports as a stream. All windows were learned from before the first is told: unsubscribing in between loses no event. */
export function told<R>({ reports, failure }: Lesson<R>): Observable<R> {
  return failure === undefined
    ? from(reports)
    : concat(
        reports,
        throwError(() => failure.error),
      )
}
