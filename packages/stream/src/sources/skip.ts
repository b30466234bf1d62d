import { GraphError } from '@bptt/graph'
import type { Named } from './chunks.js'

/** How a source of records is read. */
export interface RecordOptions extends Named {
  /** Told of every record that is refused, which is then left out; without it, the source fails there. */
  readonly skip?: (error: GraphError) => void
}

/** The longest record a source takes, in UTF-16 units: what is read of a hostile source stays bounded. */
export const LONGEST: number = 2 ** 24

/** What `make` gives; undefined where it refuses the record and `skip` takes that. */
export function orSkip<T>(make: () => T, { skip }: RecordOptions): T | undefined {
  try {
    return make()
  } catch (error) {
    if (skip === undefined || !(error instanceof GraphError)) throw error
    skip(error)
    return undefined
  }
}
