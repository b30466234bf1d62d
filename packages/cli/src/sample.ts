import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { predictor, type Snapshot } from '@bptt/stream'
import { load } from '@bptt/stream/node'
import type { SampleOptions } from './commands/sample.js'
import { Failure } from './failure.js'
import { count, quoted } from './format.js'
import { type Draw, generate, type Reader } from './generate.js'
import { cellOf, checkParams, decodeRecord, type TextModel } from './model.js'

/** Writes text with a saved model. */
export async function sample({ model: path, length, prompt, json, ...draw }: SampleOptions): Promise<void> {
  const loaded = await load(path)
  if (loaded.warning !== undefined) process.stderr.write(`bptt: ${loaded.warning}\n`)
  const record = decodeRecord(loaded.metadata, path)
  if (!('alphabet' in record))
    throw new Failure(`${path} is a model of numbers (--data); bptt predict lets it predict`)
  checkParams(cellOf(record.model), loaded.params, path)
  const text = written(record, loaded, prompt, length, draw)
  const lines = json ? inRecords(text, { model: path, prompt, length, ...draw }) : withPrompt(prompt, text)
  await pipeline(Readable.from(lines), process.stdout, { end: false })
}

/**
 * `length` symbols that a model writes after `prompt`; where that is empty, after the end of a line.
 * @throws Failure where the prompt has a symbol the model does not know.
 */
export function written(
  { model, alphabet }: TextModel,
  { params }: Pick<Snapshot, 'params'>,
  prompt: string,
  length: number,
  draw: Draw,
): Iterable<string> {
  const ids = prompt === '' ? [Math.max(0, alphabet.indexOf('\n'))] : idsOf(prompt, alphabet)
  const ready = predictor(cellOf(model), params)
  let carry = ready.carry
  const read: Reader = id => {
    const [next, logits] = ready.step(carry, id)
    carry = next
    return logits
  }
  return symbolsOf(generate(read, ids, length, draw), alphabet)
}

/**
 * The ids of a prompt.
 * @throws Failure that names the first symbol the model does not know.
 */
function idsOf(prompt: string, alphabet: readonly string[]): number[] {
  return [...prompt].map(symbol => {
    const id = alphabet.indexOf(symbol)
    if (id >= 0) return id
    const known = `the ${count(alphabet.length)} symbols of the model`
    throw new Failure(`--prompt has the symbol ${quoted(symbol)}, which is not among ${known}`)
  })
}

function* symbolsOf(ids: Iterable<number>, alphabet: readonly string[]): Generator<string> {
  for (const id of ids) yield alphabet[id] ?? ''
}

/** Characters in one record of `--json`. */
const recordLength = 4096

/** The text in records, and a last one of how it was made. */
function* inRecords(text: Iterable<string>, settings: object): Generator<string> {
  let piece: string[] = []
  const record = (): string => `${JSON.stringify({ text: piece.join('') })}\n`
  for (const symbol of text) {
    if (piece.push(symbol) < recordLength) continue
    yield record()
    piece = []
  }
  if (piece.length > 0) yield record()
  yield `${JSON.stringify({ final: true, ...settings })}\n`
}

function* withPrompt(prompt: string, text: Iterable<string>): Generator<string> {
  if (prompt !== '') yield prompt
  yield* text
  yield '\n'
}
