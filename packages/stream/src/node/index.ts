export { readBytes, writeAtomic } from './files.js'
export { load, save } from './model.js'
export { packageText } from './package.js'
export { readText } from './text.js'
