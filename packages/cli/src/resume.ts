import { type Loaded, load } from '@bptt/stream/node'
import type { Command } from 'commander'
import type { Corpus } from './corpus.js'
import { Failure } from './failure.js'
import { count, plural, quoted } from './format.js'
import { decodeRecord, type ModelRecord, type ModelSpec } from './model.js'
import { type Limits, lastStep } from './source.js'

/** A run that was stopped, as its file tells of it. */
export interface Stopped {
  readonly path: string
  readonly snapshot: Loaded
  readonly record: ModelRecord
}

/** The options that a file gives back, each with the option it is a setting of: where that is given anew, it does not count. */
const kept: Readonly<Record<string, string | undefined>> = {
  cell: undefined,
  hidden: undefined,
  seed: undefined,
  estimator: undefined,
  mean: 'estimator',
  tail: 'estimator',
  every: 'estimator',
  episode: 'estimator',
  optimizer: undefined,
  lr: 'optimizer',
  clip: undefined,
  schedule: undefined,
  over: 'schedule',
  warmup: undefined,
}

/**
 * Reads the file of a stopped run. Throws GraphError where there is none.
 * @throws Failure where it holds no character model.
 */
export async function readStopped(path: string): Promise<Stopped> {
  const snapshot = await load(path)
  if (snapshot.warning !== undefined) process.stderr.write(`bptt: ${snapshot.warning}\n`)
  return { path, snapshot, record: decodeRecord(snapshot.metadata, path) }
}

/**
 * Gives a command the options of a stopped run, those given on its command line excepted.
 * @throws Failure where the file has a value that the command line would refuse.
 */
export function adopt(command: Command, { record }: Stopped): void {
  const given = (name: string | undefined): boolean =>
    name !== undefined && command.getOptionValueSource(name) === 'cli'
  for (const option of command.options) {
    const name = option.attributeName()
    const value = record.training[name]
    if (!(name in kept) || value === undefined || given(name) || given(kept[name])) continue
    command.setOptionValueWithSource(name, option.parseArg?.(String(value), undefined), 'file')
  }
}

/**
 * Checks that a stopped run can go on with a model and a text, up to a limit.
 * @throws Failure that names the first thing that does not fit.
 */
export function checkStopped(
  { path, snapshot, record }: Stopped,
  spec: ModelSpec,
  { alphabet, ids, name }: Corpus,
  limits: Limits,
): void {
  for (const part of ['cell', 'hidden'] as const)
    if (record.model[part] !== spec[part])
      throw new Failure(
        `cannot resume ${path}: its model has --${part} ${record.model[part]}, but ${spec[part]} is asked for; a run goes on with the model it began with`,
      )
  checkAlphabet(path, record.alphabet, alphabet, name)
  const [position, last] = [snapshot.open.t, lastStep(limits, ids.length)]
  if (position >= last)
    throw new Failure(
      `cannot resume ${path}: it has read ${plural(position, 'character')} and the run ends after ${count(last)}; ask for more with --steps (they count from the beginning) or --seconds`,
    )
}

function checkAlphabet(path: string, known: readonly string[], found: readonly string[], name: string): void {
  const [fresh] = found.filter(symbol => !known.includes(symbol))
  const [lost] = known.filter(symbol => !found.includes(symbol))
  const rule = 'a run goes on with the text it began with'
  if (fresh !== undefined)
    throw new Failure(
      `cannot resume ${path}: ${name} has the symbol ${quoted(fresh)}, which its model does not know; ${rule}`,
    )
  if (lost !== undefined)
    throw new Failure(`cannot resume ${path}: ${name} lacks the symbol ${quoted(lost)} of its model; ${rule}`)
}
