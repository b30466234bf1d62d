import { compilerFaults } from './faults-compiler.mjs'
import { engineFaults } from './faults-engine.mjs'
import { opFaults } from './faults-ops.mjs'

/**
 * One-line mutations of the source: `find` stands exactly once in `file`, `replace` breaks what `breaks` says.
 * Each has to be caught by the laws; `npm run faults graph` tries them all.
 */
export const faults = [...opFaults, ...engineFaults, ...compilerFaults]
