import { type Loaded, load } from '@bptt/stream/node'
import type { Command } from 'commander'
import { Failure } from './failure.js'
import { count, plural, quoted } from './format.js'
import type { Subject } from './material.js'
import { type Described, decodeRecord, type ModelRecord } from './model.js'
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
  input: undefined,
  target: undefined,
  ahead: undefined,
  loss: undefined,
  scale: undefined,
  reset: undefined,
  weight: undefined,
  format: undefined,
  separator: undefined,
  columns: undefined,
  skip: undefined,
}

/**
 * Reads the file of a stopped run. Throws GraphError where there is none.
 * @throws Failure where it holds no model.
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
    const { parseArg: parse } = option
    command.setOptionValueWithSource(name, parse ? parse(String(value), undefined) : value, 'file')
  }
}

/** The options that say which numbers a model reads, with their names in the model file. */
const reads = ['input', 'target', 'ahead', 'loss', 'reset', 'weight', 'skip'] as const

/**
 * Checks that a stopped run can go on with what is to be learned, up to a limit.
 * @throws Failure that names the first thing that does not fit.
 */
export function checkStopped(
  { path, snapshot, record }: Stopped,
  { name, described, length, unit }: Subject,
  options: Readonly<Record<string, unknown>>,
  limits: Limits,
): void {
  const refuse = (why: string): Failure => new Failure(`cannot resume ${path}: ${why}`)
  for (const part of ['cell', 'hidden'] as const)
    if (record.model[part] !== described.model[part])
      throw refuse(
        `its model has --${part} ${record.model[part]}, but ${described.model[part]} is asked for; a run goes on with the model it began with`,
      )
  const misfit = otherSubject(record, described, name) ?? otherNumbers(record.training, options)
  if (misfit !== undefined) throw refuse(misfit)
  const [position, last] = [snapshot.open.t, lastStep(limits, length ?? Infinity)]
  if (position >= last)
    throw refuse(
      `it has read ${plural(position, unit.event)} and the run ends after ${count(last)}; ask for more with --steps (they count from the beginning) or --seconds`,
    )
}

function otherSubject(record: Described, described: Described, name: string): string | undefined {
  const [text, wanted] = ['alphabet' in record, 'alphabet' in described]
  if (text !== wanted) return `its model reads ${text ? 'text, as --text' : 'numbers, as --data'} gives it`
  if (!('alphabet' in record && 'alphabet' in described)) return undefined
  return otherAlphabet(record.alphabet, described.alphabet, name)
}

function otherAlphabet(known: readonly string[], found: readonly string[], name: string): string | undefined {
  const [fresh] = found.filter(symbol => !known.includes(symbol))
  const [lost] = known.filter(symbol => !found.includes(symbol))
  const rule = 'a run goes on with the text it began with'
  if (fresh !== undefined)
    return `${name} has the symbol ${quoted(fresh)}, which its model does not know; ${rule}`
  return lost === undefined ? undefined : `${name} lacks the symbol ${quoted(lost)} of its model; ${rule}`
}

function otherNumbers(
  before: ModelRecord['training'],
  options: Readonly<Record<string, unknown>>,
): string | undefined {
  const part = reads.find(name => before[name] !== options[name])
  if (part === undefined) return undefined
  const said = (value: unknown): string => (value === undefined ? 'none' : `'${String(value)}'`)
  return `it was begun with --${part} ${said(before[part])}, but ${said(options[part])} is asked for; a run goes on with the numbers it began with`
}
