/** Graphs as ONNX models, for other runtimes. */

export { type OnnxOptions, toOnnx } from './export.js'
