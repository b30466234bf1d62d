import { setImmediate } from 'node:timers/promises'
import { exitCodes, Failure } from '../failure.js'
import { clock } from '../format.js'
import { exitCodeOf, interruption } from '../interrupt.js'
import { coloursFor, liveLineOn, paced, print } from '../terminal.js'
import type { Advance, Claim, Course, Part } from './course.js'
import { advanceLine, claimLines, conclusion, partText } from './view.js'

/** Where what an experiment says goes. */
interface Audience {
  advance(step: Advance, seconds: number): void
  part(part: Part): void
  end(claims: readonly Claim[], seconds: number): void
  stopped(seconds: number): void
}

/**
 * Runs an experiment to its end, or to a request to stop, and shows it: tables, or with `json` a record a line.
 * @throws Failure with exit code 1 where a claim did not hold.
 */
export async function perform(
  name: string,
  course: Course,
  { json = false }: { readonly json?: boolean },
): Promise<void> {
  const show = json ? forPrograms(name) : forPeople()
  const stop = interruption()
  const began = performance.now()
  const seconds = (): number => (performance.now() - began) / 1000
  try {
    const claims = await follow(course, show, seconds, stop.signal)
    if (stop.cause !== undefined) process.exitCode = exitCodeOf(stop.cause)
    if (claims === undefined && stop.cause !== 'closed output')
      process.stderr.write(
        `Stopped (${stop.cause}) after ${clock(seconds())}, before the end of the experiment.\n`,
      )
    if (claims?.some(({ held }) => !held)) throw new Failure(conclusion(claims), exitCodes.finding)
  } finally {
    stop.release()
  }
}

/** The claims; undefined where the signal came first. Signals are heard twenty times a second. */
async function follow(
  course: Course,
  show: Audience,
  seconds: () => number,
  signal: AbortSignal,
): Promise<readonly Claim[] | undefined> {
  const breath = paced(0.05)
  for (let step = course.next(); !signal.aborted; step = course.next()) {
    if (step.done) {
      show.end(step.value, seconds())
      return step.value
    }
    if (step.value.kind === 'part') show.part(step.value)
    else show.advance(step.value, seconds())
    if (breath(seconds())) await setImmediate()
  }
  show.stopped(seconds())
  return undefined
}

function forPeople(): Audience {
  const live = liveLineOn(process.stderr)
  const [paint, faint] = [coloursFor(process.stdout), coloursFor(process.stderr)]
  return {
    advance: (step, seconds) => live.show(() => faint.cyan(advanceLine(step, seconds)), seconds),
    part: part => {
      live.clear()
      print(`${partText(part, paint)}\n`)
    },
    end: (claims, seconds) => {
      live.clear()
      print(claimLines(claims, paint))
      if (claims.every(({ held }) => held)) print(`\n${conclusion(claims)} (${clock(seconds)})`)
    },
    stopped: () => live.clear(),
  }
}

function forPrograms(experiment: string): Audience {
  const say = (record: object): void => print(JSON.stringify({ experiment, ...record }))
  const end = (seconds: number, ending: string, rest: object): void =>
    say({ final: true, ending, seconds: Math.round(seconds * 1000) / 1000, ...rest })
  return {
    advance: () => {},
    part: ({ name, records }) => {
      for (const record of records) say({ part: name, ...record })
    },
    end: (claims, seconds) => end(seconds, 'finished', { held: claims.every(({ held }) => held), claims }),
    stopped: seconds => end(seconds, 'interrupted', {}),
  }
}
