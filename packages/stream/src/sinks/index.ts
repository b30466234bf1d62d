/**
 * Where results go: ONNX models, and scalars for TensorBoard.
 *
 * @module @bptt/stream/sinks
 */

export { type ExportOptions, exportOnnx } from './onnx.js'
export { eventFileHeader, type Scalars, scalarRecord } from './tensorboard.js'
