import { mul } from '@bptt/graph'
import { NO_SLOTS, type Optimizer, zip } from '../optimiser.js'

/** Leaves the parameters of its group as they are, bit for bit. */
export function freeze(): Optimizer {
  return {
    text: 'freeze()',
    slots: () => NO_SLOTS,
    update: (_, { params }) => ({ updates: zip([params], p => mul(p, 0)), slots: NO_SLOTS }),
  }
}
