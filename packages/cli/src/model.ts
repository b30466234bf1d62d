import { isShape, isTensor, leaves, showShape, type Tensor, type Tree } from '@bptt/graph'
import { type Cell, elman, gru, lstm, withEmbedding, withReadout } from '@bptt/unroll'
import { type CellName, cells } from './commands/model.js'
import { Failure } from './failure.js'
import type { Numbers } from './records/scale.js'

/** A character model: symbol → embedding → recurrent cell → one logit per symbol. */
export interface ModelSpec {
  readonly cell: CellName
  /** Numbers in the hidden state. */
  readonly hidden: number
  /** Numbers a symbol is looked up as before it enters the cell. */
  readonly embedding: number
  /** Size of the alphabet: integer ids in, logits out. */
  readonly symbols: number
}

/** A model of numbers: vector → recurrent cell → vector. */
export interface NumberSpec {
  readonly cell: CellName
  readonly hidden: number
  readonly inputs: number
  readonly outputs: number
}

/** A character model, and the symbol of each id. */
export interface TextModel {
  readonly model: ModelSpec
  readonly alphabet: readonly string[]
}

/** A model of numbers, and how they were read. */
export interface NumberModel {
  readonly model: NumberSpec
  readonly numbers: Numbers
}

/** What a model file says of its model. */
export type Described = TextModel | NumberModel

/** What is stored beside the tensors under the metadata key {@link metadataKey}. */
export type ModelRecord = Described & {
  readonly format: 1
  /** The options and figures of the training run, for the reader of the file. */
  readonly training: Readonly<Record<string, unknown>>
  /** What the simplest predictors remembered when the run ended. */
  readonly yardsticks?: unknown
}

/** The safetensors metadata key of a model. */
export const metadataKey = 'bptt.model'

/** A spec for an alphabet of `symbols`; symbols are embedded in at most 32 numbers. */
export function characterModel(cell: CellName, hidden: number, symbols: number): ModelSpec {
  return { cell, hidden, embedding: Math.min(32, symbols), symbols }
}

/** The cell of a spec: of characters, input an id `[]`, output logits `[symbols]`; of numbers, `[inputs]` and `[outputs]`. */
export function cellOf(spec: ModelSpec | NumberSpec): Cell {
  const make = { lstm, gru, elman }[spec.cell]
  const { hidden } = spec
  if ('inputs' in spec) return withReadout(make({ inputs: spec.inputs, hidden }), { outputs: spec.outputs })
  const { embedding, symbols } = spec
  return withReadout(withEmbedding(make({ inputs: embedding, hidden }), { symbols }), { outputs: symbols })
}

/** The number of trained parameters of a cell. */
export function parameterCount(cell: Cell): number {
  const sizes = leaves(cell.params, isShape, cell.name).map(([, shape]) => shape.map(Number))
  return sizes.reduce((sum, shape) => sum + shape.reduce((product, length) => product * length, 1), 0)
}

/** The record as the text of a metadata value. */
export function encodeRecord(record: ModelRecord): string {
  return JSON.stringify(record)
}

/**
 * The record in a file's metadata.
 * @throws Failure where the file at `path` holds no record, or one this version cannot read.
 */
export function decodeRecord(metadata: Readonly<Record<string, string>>, path: string): ModelRecord {
  const text = metadata[metadataKey]
  if (text === undefined)
    throw new Failure(`${path} holds tensors but no model of bptt; models are written by 'bptt train --save'`)
  const record = parse(text)
  if (!isRecord(record))
    throw new Failure(
      `${path} describes its model in a way this version does not know (metadata '${metadataKey}')`,
    )
  return record
}

/**
 * Checks that the tensors of a file are the parameters of its model.
 * @throws Failure that names the first tensor that is missing, left over or of another shape.
 */
export function checkParams(cell: Cell, params: Tree<Tensor>, path: string): void {
  const found = new Map(leaves(params, isTensor, path).map(([name, { shape }]) => [name, showShape(shape)]))
  for (const [name, shape] of leaves(cell.params, isShape, path)) {
    const [wanted, has] = [showShape(shape), found.get(name)]
    if (has === undefined) throw new Failure(`${path} lacks the tensor '${name}' ${wanted} of its model`)
    if (has !== wanted)
      throw new Failure(`${path} has '${name}' in shape ${has}, but its model needs ${wanted}`)
    found.delete(name)
  }
  const [extra] = found.keys()
  if (extra !== undefined) throw new Failure(`${path} has a tensor '${extra}' that its model does not use`)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is ModelRecord {
  if (!isObject(value) || value['format'] !== 1 || !isObject(value['training'])) return false
  const { alphabet, model, numbers } = value
  if (!isObject(model) || !cells.some(cell => cell === model['cell'])) return false
  if (numbers !== undefined)
    return areSizes(model, ['hidden', 'inputs', 'outputs']) && areNumbers(numbers, model)
  const sized = areSizes(model, ['hidden', 'embedding', 'symbols'])
  return sized && isAlphabet(alphabet) && model['symbols'] === alphabet.length
}

const areSizes = (model: Readonly<Record<string, unknown>>, names: readonly string[]): boolean =>
  names.every(name => Number.isSafeInteger(model[name]) && Number(model[name]) > 0)

/** Scales as wide as the model; the rest is read again by the options in `training`. */
function areNumbers(numbers: unknown, model: Readonly<Record<string, unknown>>): numbers is Numbers {
  if (!isObject(numbers)) return false
  return isScale(numbers['input'], model['inputs']) && isScale(numbers['target'], model['outputs'])
}

function isScale(value: unknown, width: unknown): boolean {
  if (!isObject(value)) return false
  return [value['mean'], value['deviation']].every(
    list => Array.isArray(list) && list.length === width && list.every(Number.isFinite),
  )
}

function isAlphabet(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 1 && value.every(s => typeof s === 'string' && s !== '')
}

/** True for a plain object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
