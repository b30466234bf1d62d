import { recorder } from './history.js'
import type { Outcome, Plan } from './learn.js'
import { liveLine, type Progress } from './progress.js'
import { finalRecord, jsonRecord } from './report.js'
import { withSparkline } from './spark.js'
import { coloursFor, liveLineOn, paced, print } from './terminal.js'
import { figures, kept, opening, stopped } from './view.js'

/** What a training run shows as it begins, goes on and ends. */
export interface Show {
  begin(plan: Plan): void
  progress(plan: Plan, progress: Progress): void
  end(plan: Plan, outcome: Outcome): void
}

/** For a person: figures on standard output, the live line, with the curve of the loss where there is room, on standard error; `quiet` leaves only the final figures. */
export function forPeople(quiet: boolean): Show {
  const live = liveLineOn(process.stderr)
  const paint = coloursFor(process.stderr)
  const loss = recorder()
  return {
    begin(plan): void {
      if (!quiet) print(`${opening(plan)}\n`)
    },
    progress({ limits, subject }, progress): void {
      if (quiet) return
      loss.add(progress.recent, 1)
      const line = (): string => liveLine(progress, limits, subject)
      // off a terminal there are no columns
      const { columns = 0 } = process.stderr
      live.show(() => paint.cyan(withSparkline(line(), loss.curve.values, columns)), progress.seconds)
    },
    end(plan, outcome): void {
      live.clear()
      if (wentWell(outcome)) print(`${figures(plan, outcome)}\n${kept(outcome)}`)
      sayAside(plan, outcome)
    },
  }
}

/** For a program: one JSON record a line on standard output, at most five a second, the last with `"final": true`. */
export function forPrograms(quiet: boolean): Show {
  const due = paced(0.2)
  return {
    begin(): void {},
    progress({ subject }, progress): void {
      if (!quiet && due(progress.seconds)) print(JSON.stringify(jsonRecord(progress, subject.length)))
    },
    end(plan, outcome): void {
      print(JSON.stringify(finalRecord(plan, outcome)))
      sayAside(plan, outcome)
    },
  }
}

/** True for a run that came to its end. */
export function wentWell({ cause, divergence, broken }: Outcome): boolean {
  return cause === undefined && divergence === undefined && broken === undefined
}

/** Says what does not belong to the figures: what was left out, and who stopped the run. */
function sayAside({ subject }: Plan, outcome: Outcome): void {
  const left = subject.leftOut?.()
  if (left !== undefined) process.stderr.write(`bptt train: ${left}\n`)
  if (outcome.cause !== undefined && outcome.cause !== 'closed output')
    process.stderr.write(`${stopped(subject.unit, outcome)}\n`)
}
