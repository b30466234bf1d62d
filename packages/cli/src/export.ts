import { isShape, leaves, type Shape, showShape } from '@bptt/graph'
import { load, readBytes, writeAtomic } from '@bptt/stream/node'
import { exportOnnx } from '@bptt/stream/sinks'
import type { Cell } from '@bptt/unroll'
import type { ExportOptions } from './commands/export.js'
import { bytes } from './format.js'
import { cellOf, checkParams, decodeRecord, type ModelRecord } from './model.js'
import { checkTarget } from './savefile.js'
import { print } from './terminal.js'

/** Writes a saved model as a file for other runtimes. */
export async function exportModel(path: string, { onnx: target, form, json }: ExportOptions): Promise<void> {
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
