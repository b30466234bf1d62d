import { Command } from 'commander'
import { oneOf } from '../options.js'

const forms = ['step', 'scan'] as const

/** The options of `bptt export`. */
export interface ExportOptions {
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
}
