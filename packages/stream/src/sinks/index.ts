export { eventFileHeader, type Scalars, scalarRecord } from './tensorboard.js'
