import { isShape, leaves, type Shape, showShape } from '@bptt/graph'
import { load, readBytes, writeAtomic } from '@bptt/stream/node'
import { exportOnnx } from '@bptt/stream/sinks'
import type { Cell } from '@bptt/unroll'
import { Command } from 'commander'
import { bytes } from './format.js'
import { cellOf, checkParams, decodeRecord, type ModelRecord } from './model.js'
import { oneOf } from './options.js'
import { checkTarget } from './savefile.js'
import { print } from './terminal.js'

const forms = ['step', 'scan'] as const

interface ExportOptions {
  readonly onnx: string
  readonly form: (typeof forms)[number]
}

const help = `
Forms: step takes one symbol (or one record of numbers) and the carry and gives logits and the next carry, for streams; scan takes a whole sequence. Both take batches of any size. All
tensors are float32, symbols are whole numbers in them; the metadata bptt.alphabet has the symbol of each number, as JSON. A model of numbers takes and gives them at mean 0 and deviation 1: bptt.numbers has the
columns, the means and the deviations. The carry begins with zeros.

Examples:
  bptt export bptt-model.safetensors --onnx model.onnx
  bptt export bptt-model.safetensors --onnx scan.onnx --form scan

Exit codes: 0 ok, 2 bad input`

/** `bptt export`: a saved model as a file for other runtimes. */
export function exportCommand(): Command {
  return new Command('export')
    .description('write a saved model as an ONNX model')
    .argument('<MODEL>', 'a model saved by bptt train')
    .requiredOption('--onnx <FILE>', 'the file to write')
    .option('--form <NAME>', 'step or scan', oneOf('--form', forms), 'step')
    .addHelpText('after', help)
    .action(exportModel)
}

async function exportModel(path: string, { onnx: target, form }: ExportOptions): Promise<void> {
  await checkTarget(target, 'an ONNX model', holdsOnnx)
  const { metadata, params, warning } = await load(path)
  if (warning !== undefined) process.stderr.write(`bptt: ${warning}\n`)
  const record = decodeRecord(metadata, path)
  const cell = cellOf(record.model)
  checkParams(cell, params, path)
  const made = exportOnnx(cell, params, { form, metadata: notesOn(record) })
  await writeAtomic(target, made)
  print(`${target}  ${bytes(made.length)}\n${edges(cell, form)}`)
}

/** What whoever runs the model must know: the symbols of its ids, or where its numbers lie. */
function notesOn(record: ModelRecord): Readonly<Record<string, string>> {
  if ('alphabet' in record) return { 'bptt.alphabet': JSON.stringify(record.alphabet) }
  const { input, target } = record.training
  return { 'bptt.numbers': JSON.stringify({ ...record.numbers, columns: { input, target } }) }
}

/** True for a file that `exportOnnx` wrote: the name of its producer follows the version. */
async function holdsOnnx(path: string): Promise<boolean> {
  const [bytes, producer] = [await readBytes(path), [...'bptt'].map(letter => letter.charCodeAt(0))]
  return producer.every((code, i) => bytes[4 + i] === code)
}

/** The inputs and outputs, as whoever runs the model meets them. */
function edges(cell: Cell, form: ExportOptions['form']): string {
  const [front, end]: readonly [Shape, string] = form === 'step' ? [[], ''] : [['time'], 's']
  const value = (name: string, shape: Shape, rows: Shape): string =>
    `${name} ${showShape([...rows, 'batch', ...shape])}`
  const carry = (side: string): readonly string[] =>
    leaves(cell.carry, isShape, cell.name).map(([name, shape]) => value(`${side}.${name}`, shape, []))
  return [
    `inputs   ${[value(`x${end}`, cell.input, front), ...carry('carry')].join(', ')}`,
    `outputs  ${[value(`y${end}`, cell.output, front), ...carry('next')].join(', ')}`,
  ].join('\n')
}
