/**
 * Graphs as ONNX models, for other runtimes.
 *
 * @module @bptt/graph/onnx
 */

export { type OnnxOptions, toOnnx } from './export.js'
