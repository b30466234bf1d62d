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
  readonly json?: true
}

const help = `
Forms: step takes one symbol (or one record of numbers) and the carry and gives logits and the next carry, for streams; scan takes a whole sequence. Both take batches of any size. All
tensors are float32, symbols are whole numbers in them; the metadata bptt.alphabet has the symbol of each number, as JSON. A model of numbers takes and gives them at mean 0 and deviation 1: bptt.numbers has the
columns, the means and the deviations. The carry begins with zeros.

Examples:
  bptt export bptt-model.safetensors --onnx model.onnx
  bptt export bptt-model.safetensors --onnx scan.onnx --form scan

Exit codes: 0 ok, 2 bad input, 130 Ctrl-C`

/** `bptt export`: a saved model as a file for other runtimes. */
export function exportCommand(): Command {
  return new Command('export')
    .description('write a saved model as an ONNX model')
    .argument('<MODEL>', 'a model saved by bptt train')
    .requiredOption('--onnx <FILE>', 'the file to write')
    .option('--form <NAME>', 'step or scan', oneOf('--form', forms), 'step')
    .option('--json', 'what was written as one JSON record')
    .addHelpText('after', help)
    .action(exportModel)
}

async function exportModel(path: string, { onnx: target, form, json }: ExportOptions): Promise<void> {
  await checkTarget(target, 'an ONNX model', holdsOnnx)
  const { metadata, params, warning } = await load(path)
  if (warning !== undefined) process.stderr.write(`bptt: ${warning}\n`)
  const record = decodeRecord(metadata, path)
  const cell = cellOf(record.model)
  checkParams(cell, params, path)
  const made = exportOnnx(cell, params, { form, metadata: notesOn(record) })
  await writeAtomic(target, made)
  const { inputs, outputs } = edges(cell, form)
  if (json) print(JSON.stringify({ model: path, onnx: target, form, bytes: made.length, inputs, outputs }))
  else print(`${target}  ${bytes(made.length)}\ninputs   ${listed(inputs)}\noutputs  ${listed(outputs)}`)
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

/** The shapes of inputs or outputs by name. */
type Edges = Readonly<Record<string, Shape>>

/** The inputs and outputs, as whoever runs the model meets them. */
function edges(cell: Cell, form: ExportOptions['form']): { readonly inputs: Edges; readonly outputs: Edges } {
  const [front, end]: readonly [Shape, string] = form === 'step' ? [[], ''] : [['time'], 's']
  const carry = (side: string): Edges =>
    Object.fromEntries(
      leaves(cell.carry, isShape, cell.name).map(([name, shape]) => [`${side}.${name}`, ['batch', ...shape]]),
    )
  return {
    inputs: { [`x${end}`]: [...front, 'batch', ...cell.input], ...carry('carry') },
    outputs: { [`y${end}`]: [...front, 'batch', ...cell.output], ...carry('next') },
  }
}

const listed = (edges: Edges): string =>
  Object.entries(edges)
    .map(([name, shape]) => `${name} ${showShape(shape)}`)
    .join(', ')
