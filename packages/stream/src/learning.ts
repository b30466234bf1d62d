import { concat, from, type Observable, throwError } from 'rxjs'
import type { Guarded } from './guard.js'
import type { Report } from './update.js'
import type { Cutter, Window } from './window.js'

/** Learns from windows as they are cut, to their reports; where one fails, the cutter goes back to before it. */
export function learning(
  own: Guarded,
  cutter: Cutter,
  rollback: boolean,
): (windows: readonly Window[]) => Observable<Report> {
  /** The windows, those after i as they are once it was passed over. */
  const pass = (windows: readonly Window[], i: number): readonly Window[] => {
    const { lanes } = windows[i]!
    const anew = (lane: number): boolean => rollback || lanes[lane]!.samples.some(({ reset }) => reset)
    return [...windows.slice(0, i + 1), ...cutter.startAnew(anew, windows.slice(i + 1))]
  }
  return windows => {
    const reports: Report[] = []
    try {
      // all are learned from before the first is reported: unsubscribing in between loses no event
      for (let i = 0; i < windows.length; i++) {
        const report = own.learn(windows[i]!)
        reports.push(report)
        if (report.notFinite !== undefined) windows = pass(windows, i)
      }
    } catch (error) {
      cutter.giveBack(windows.slice(reports.length))
      return concat(
        reports,
        throwError(() => error),
      )
    }
    return from(reports)
  }
}
