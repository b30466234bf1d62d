import { GraphError } from '../src/index.js'

/** `code | message` of the error that `run` throws; any other error is thrown on. */
export function message(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof GraphError) return `${error.code} | ${error.message}`
    throw error
  }
  return 'nothing was thrown'
}
