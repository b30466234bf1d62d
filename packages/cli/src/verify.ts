import { GraphError } from '@bptt/graph'
import { readText } from '@bptt/stream/node'
import { Command } from 'commander'
import { exitCodes, Failure } from './failure.js'
import { clock, count, plural } from './format.js'
import { real } from './options.js'
import { coloursFor, liveLineOn, print } from './terminal.js'
import type { Finding } from './verify/compare.js'
import { verifyFile } from './verify/file.js'
import { closing, exceeds, table, tally } from './verify/view.js'

interface VerifyOptions {
  readonly tolerance: number
  readonly json?: boolean
  readonly all?: boolean
}

const notes = `
A difference is relative: the largest |a - b| of a tensor over its largest expected entry. A tensor of zeros, as a
truncation makes them, is met by exact zeros only. A file may hold any of: outputs, carries, losses, gradients,
truncations, random truncations, products, lags, optimiser runs; test/golden/README.md describes them.

Examples:
  bptt verify my-model.json
  bptt verify test/golden/*.json --tolerance 1e-12
  bptt verify my-model.json --all

Exit codes: 0 all that was checked agrees, 1 a difference above the tolerance, 2 bad input, 130 Ctrl-C`

/** `bptt verify`: values and gradients computed elsewhere, such as by PyTorch, against those computed here. */
export function verifyCommand(): Command {
  return new Command('verify')
    .description('compare with outputs, losses and gradients from elsewhere, such as PyTorch')
    .argument('<FILE...>', 'JSON files of models, inputs and expected values')
    .option(
      '--tolerance <X>',
      'largest relative difference that agrees',
      real('--tolerance', { min: 0 }),
      1e-9,
    )
    .option('--json', 'one JSON record a line: every entry, then the counts')
    .option('--all', 'a line for every entry')
    .addHelpText('after', notes)
    .action(verify)
}

async function verify(paths: readonly string[], options: VerifyOptions): Promise<void> {
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
