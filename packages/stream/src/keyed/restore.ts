import { fields, list, Misfit, optional, text, whole } from '../checks.js'
import { checkFits, counting, cutting, schemed } from '../restore.js'
import type { KeyedSnapshot, KeyedStream } from './state.js'

/** What a keyed snapshot holds beside tensors. */
export interface KeyedPlain extends Omit<KeyedSnapshot, 'shared' | 'streams'> {
  readonly shared?: Pick<NonNullable<KeyedSnapshot['shared']>, 'counters'>
  readonly streams: readonly StreamPlain[]
}

/** What one stream holds beside tensors. */
export type StreamPlain = Omit<KeyedStream, 'values'>

const stream = fields({ key: text, counters: optional(counting), open: cutting })

const plain = fields({
  ...{ t: whole(), events: whole(), schema: schemed },
  shared: optional(fields({ counters: counting })),
  streams: list(stream),
})

/**
 * Checks what a keyed snapshot holds beside tensors, wherever it comes from.
 * @throws GraphError `bad-snapshot` that names the first place that does not fit.
 */
export function checkKeyed(value: unknown, where: string): asserts value is KeyedPlain {
  checkFits(where, () => {
    plain(value, 'snapshot')
    const { shared, streams } = value as KeyedPlain
    const keys = new Set<string>()
    streams.forEach((one, i) => {
      const name = `snapshot.streams[${i}]`
      checkOne(one, shared === undefined, name)
      if (keys.has(one.key)) throw new Misfit(`${name}.key`, one.key, 'every stream has a key of its own')
      keys.add(one.key)
    })
  })
}

/** Checks what one stream holds beside tensors; `own` where it has a model of its own. */
export function checkStream(value: unknown, own: boolean, where: string): asserts value is StreamPlain {
  checkFits(where, () => {
    stream(value, 'stream')
    checkOne(value as StreamPlain, own, 'stream')
  })
}

function checkOne({ open, counters }: StreamPlain, own: boolean, name: string): void {
  if (open.lanes.length > 1) throw new Misfit(`${name}.open.lanes`, open.lanes, 'a stream has one lane')
  if ((counters !== undefined) !== own)
    throw new Misfit(
      `${name}.counters`,
      counters,
      own ? 'a model per key counts for itself' : 'a model that is shared counts for all',
    )
}
