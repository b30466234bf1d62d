import type { CellName } from './commands/model.js'
import { type SourceOptions, usual } from './commands/source.js'
import { readCorpus } from './corpus.js'
import { Failure } from './failure.js'
import type { Subject } from './material.js'
import type { ModelRecord } from './model.js'
import { columnsOf } from './records/columns.js'
import { formatOf, type Recording } from './records/read.js'
import { recordSubject } from './records/subject.js'
import { liveLineOn } from './terminal.js'
import { textSubject } from './text.js'

const ofNumbers = [
  'format',
  'input',
  'target',
  'ahead',
  'loss',
  'scale',
  'reset',
  'weight',
  'separator',
  'columns',
  'skip',
] as const

/**
 * What the options name, ready to be learned; where a run is resumed, on the scale of its file.
 * @throws Failure where they name nothing, or do not go together; GraphError where it cannot be read.
 */
export async function subjectOf(
  options: SourceOptions & { readonly cell: CellName; readonly hidden: number },
  before?: ModelRecord,
): Promise<Subject> {
  const { text, data, cell, hidden } = options
  if (text !== undefined && data !== undefined)
    throw new Failure('--text and --data are both given; a run learns one of them')
  if (data !== undefined) {
    const { loss = usual.loss, scale = usual.scale } = options
    const numbers = before !== undefined && 'numbers' in before ? before.numbers : undefined
    const recording = recordingOf(data, options)
    return recordSubject({ ...recording, cell, hidden, loss, scale, numbers }, liveLineOn(process.stderr))
  }
  if (text === undefined) throw new Failure('there is nothing to learn from; give --text FILE or --data FILE')
  refuseNumbers(options, '--text')
  return textSubject(await readCorpus(text), cell, hidden)
}

/**
 * Refuses options of records beside another source, which is named.
 * @throws Failure that names the first.
 */
export function refuseNumbers(options: SourceOptions, given: string): void {
  const foreign = ofNumbers.find(name => options[name] !== undefined)
  if (foreign !== undefined) throw new Failure(`--${foreign} belongs to --data, but ${given} is given`)
}

function recordingOf(path: string, options: SourceOptions): Recording {
  const { input, target, ahead = usual.ahead, reset, weight, separator, skip = false } = options
  const columns = options.columns?.split(',').map(name => name.trim())
  if (input === undefined || target === undefined)
    throw new Failure(
      `--data needs --${input === undefined ? 'input' : 'target'}, the columns that are ${input === undefined ? 'read' : 'predicted'}, with commas between`,
    )
  const [inputs, targets] = [columnsOf('--input', input), columnsOf('--target', target)]
  const named = targets.find(column => typeof column !== 'string' && 'categories' in column)
  if (named !== undefined)
    throw new Failure(
      `--target takes numbers, but '${target}' has a column of words; words may be read, with --input`,
    )
  return {
    path,
    format: formatOf(path, options.format),
    input: inputs,
    target: targets,
    ahead,
    reset,
    weight,
    separator,
    columns,
    skip,
  }
}
