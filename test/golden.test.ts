import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Finding } from '../packages/cli/src/verify/compare.js'
import { verifyFile } from '../packages/cli/src/verify/file.js'

const folder = new URL('golden/', import.meta.url)
const files = readdirSync(folder).filter(name => name.endsWith('.json'))

const verified = (name: string): readonly Finding[] =>
  verifyFile(JSON.parse(readFileSync(new URL(name, folder), 'utf8')), name)

/** Entries by file: how many are compared. A file or an entry that is passed over in silence changes a number. */
const compared = {
  '01-linear.json': 78,
  '02-elman.json': 58,
  '03-lstm.json': 58,
  '04-gru.json': 58,
  '05-stack.json': 56,
  '06-resets.json': 45,
  '07-optim.json': 32,
  '08-products.json': 67,
  '09-lags.json': 68,
  '10-influence.json': 14,
  '11-expectation.json': 96,
}

describe('the reference values of PyTorch', () => {
  test('are the files with a count below', () => {
    expect(files.sort()).toEqual(Object.keys(compared))
  })

  test.each(Object.entries(compared))('in %s agree within 1e-9 in all of %i entries', (name, entries) => {
    const checked = verified(name).filter(({ note }) => note === undefined)
    expect(checked.filter(({ worst }) => !(worst <= 1e-9))).toEqual([])
    expect(checked).toHaveLength(entries)
  })

  test('are not checked for the optimisers that @bptt/stream does not have', () => {
    const notes = files.flatMap(verified).flatMap(({ entry, note }) => (note ? [`${entry}: ${note}`] : []))
    expect([...new Set(notes)]).toEqual([
      'sgd_momentum_dampening_weight_decay: updates: not checked: sgd of @bptt/stream has no dampening',
      'rmsprop_clip: updates: not checked: @bptt/stream has no RMSprop',
      'rmsprop_centered_momentum: updates: not checked: @bptt/stream has no RMSprop',
      'adam_amsgrad: updates: not checked: adam of @bptt/stream has no amsgrad',
    ])
  })
})
