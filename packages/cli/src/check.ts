import { type Verdict, verdictOf, verdictText } from './check/verdict.js'
import type { CheckOptions } from './commands/check.js'
import { exitCodes, Failure } from './failure.js'
import { clock, count, plural, rate } from './format.js'
import { loadModule } from './module.js'
import { type Colours, coloursFor, type LiveLine, liveLineOn, print } from './terminal.js'

/** Holds what a module exports to the laws. */
export async function check(path: string, options: CheckOptions): Promise<void> {
  const [paint, live] = [coloursFor(process.stdout), liveLineOn(process.stderr)]
  const verdicts: Verdict[] = []
  for (const found of await loadModule(path, options.size, options.export)) {
    const verdict = verdictOf(found, options, progress(found.name, live))
    live.clear()
    verdicts.push(verdict)
    print(options.json ? JSON.stringify(verdict) : painted(verdict, paint))
  }
  const failed = verdicts.filter(({ ok }) => !ok).length
  if (options.json) print(JSON.stringify({ final: true, file: path, checked: verdicts.length, failed }))
  if (failed > 0)
    throw new Failure(
      `${failed} of ${verdicts.length} in ${path} ${failed === 1 ? 'breaks' : 'break'} a law`,
      exitCodes.finding,
    )
}

function painted(verdict: Verdict, paint: Colours): string {
  const [head, ...rest] = verdictText(verdict)
  return [paint[verdict.ok ? 'green' : 'red'](head), ...rest].join('\n')
}

/** Shows how far the trials of an export have come. */
function progress(name: string, live: LiveLine): (done: number, all: number) => void {
  const began = performance.now()
  return (done, all) => {
    const seconds = (performance.now() - began) / 1000
    live.show(() => progressLine(name, done, all, seconds), seconds)
  }
}

/** Trials made, their rate, and the time that is left. */
export function progressLine(name: string, done: number, all: number, seconds: number): string {
  return [
    `${name}: ${count(done)} of ${plural(all, 'trial')}`,
    `${rate(done / seconds)} a second`,
    `${clock(seconds)}, ${clock(((all - done) * seconds) / done)} left`,
  ].join(' · ')
}
