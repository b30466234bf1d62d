import { GraphError } from '@bptt/graph'
import { readText } from '@bptt/stream/node'
import type { VerifyOptions } from './commands/verify.js'
import { exitCodes, Failure } from './failure.js'
import { clock, count, plural } from './format.js'
import { coloursFor, liveLineOn, print } from './terminal.js'
import type { Finding } from './verify/compare.js'
import { verifyFile } from './verify/file.js'
import { closing, exceeds, table, tally } from './verify/view.js'

/** Compares values from elsewhere with those computed here. */
export async function verify(paths: readonly string[], options: VerifyOptions): Promise<void> {
  const { tolerance, json = false, all = false } = options
  const paint = coloursFor(process.stdout)
  const [live, began] = [liveLineOn(process.stderr), performance.now()]
  const found: Finding[] = []
  for (const [i, path] of paths.entries()) {
    const seconds = (performance.now() - began) / 1000
    live.show(() => `${path}, ${i + 1} of ${plural(paths.length, 'file')} · ${clock(seconds)}`, seconds)
    const findings = verifyFile(await readJson(path), path)
    live.clear()
    found.push(...findings)
    if (json) for (const finding of findings) print(JSON.stringify(record(path, finding, tolerance)))
    else print(`${table(path, findings, tolerance, all, paint)}\n`)
  }
  conclude(found, tolerance, json)
}

/** Prints the counts; throws where an entry exceeds the tolerance, so that the exit code says so. */
function conclude(found: readonly Finding[], tolerance: number, json: boolean): void {
  const counts = tally(found, tolerance)
  print(json ? JSON.stringify({ final: true, tolerance, ...counts }) : closing(counts, tolerance))
  if (counts.exceed === 0) return
  const verb = counts.exceed === 1 ? 'entry differs' : 'entries differ'
  throw new Failure(`${count(counts.exceed)} ${verb} by more than ${tolerance}`, exitCodes.finding)
}

/** A finding as it stands in the JSON output; an infinite difference is the text `Infinity`. */
function record(file: string, finding: Finding, tolerance: number): object {
  const worst = Number.isFinite(finding.worst) ? finding.worst : String(finding.worst)
  const agrees = finding.note === undefined ? !exceeds(finding, tolerance) : null
  return { file, ...finding, worst, agrees }
}

async function readJson(path: string): Promise<unknown> {
  const text = await readText(path)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new GraphError(
      'bad-golden',
      path,
      `is not JSON: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}
