export { type ExportOptions, exportOnnx } from './onnx.js'
export { eventFileHeader, type Scalars, scalarRecord } from './tensorboard.js'
