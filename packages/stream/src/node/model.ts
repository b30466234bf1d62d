import { GraphError } from '@bptt/graph'
import { fields, list, optional, parsedJson, whole } from '../checks.js'
import { namedTensors, under, valuesOf } from '../keyed/bytes.js'
import { checkPlain, type Plain } from '../restore.js'
import { decodeSafetensors, encodeSafetensors } from '../safetensors.js'
import type { Snapshot, Values } from '../state.js'
import { readBytes, writeAtomic } from './files.js'
import { orPrevious, previousOf } from './previous.js'

const KEY = 'bptt.snapshot'

/**
 * Writes a snapshot as a safetensors file: tensors `params.…`, `slots.…`, `carry.…`, `memory.…` in float64 (and those of states to roll back to, `kept.0.params.…`), counters and the open
 * window as JSON in the metadata, beside entries of one's own. The file is replaced whole or not at all, and the one it replaces
 * is kept beside it: `model.previous.safetensors`.
 * @throws GraphError `cannot-write`; then both files are as they were.
 */
export async function save(
  path: string,
  snapshot: Snapshot,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { counters, open, schema, kept } = snapshot
  const rest: Rest = {
    counters,
    open,
    ...(schema && { schema }),
    ...(kept && { kept: kept.map(({ updates }) => updates) }),
  }
  const tensors = Object.fromEntries([
    ...namedTensors(snapshot),
    ...(kept ?? []).flatMap((values, i) =>
      namedTensors(values).map(([name, value]) => [`kept.${i}.${name}`, value] as const),
    ),
  ])
  await writeAtomic(path, encodeSafetensors(tensors, { ...metadata, [KEY]: JSON.stringify(rest) }), {
    previous: previousOf(path),
  })
}

/** What a snapshot holds beside tensors. */
interface Rest extends Plain {
  /** Updates made by the states that are kept to go back to. */
  readonly kept?: readonly number[]
}

/** A snapshot from a file. */
export interface Loaded extends Snapshot {
  readonly metadata: Readonly<Record<string, string>>
  /** The file it was read from: the previous one where the last one is lost. */
  readonly file: string
  /** Why it is the previous one, as a sentence to show. */
  readonly warning?: string
}

/**
 * Reads a snapshot back, with the metadata it was saved with. Where the file is missing or broken and the previous one is whole, that one
 * is read, and `warning` says why.
 * @throws GraphError `cannot-read`, `bad-safetensors`; `bad-snapshot` where the file holds something else.
 */
export function load(path: string): Promise<Loaded> {
  return orPrevious(path, read)
}

async function read(file: string): Promise<Loaded> {
  const { tensors, metadata } = decodeSafetensors(await readBytes(file), file)
  const { kept, ...rest } = parse(metadata[KEY], file)
  const named = Object.entries(tensors)
  const valuesAt = (prefix: string): Values => {
    const { params = {}, slots = {}, carry = {}, memory = {} } = valuesOf(under(prefix, named))
    return { params, slots, carry, memory }
  }
  const states = kept?.map((updates, i) => ({ ...valuesAt(`kept.${i}.`), updates }))
  return { ...valuesAt(''), ...rest, ...(states && { kept: states }), metadata, file }
}

function parse(text: string | undefined, path: string): Rest {
  const value = text === undefined ? undefined : parsedJson(text)
  if (typeof value !== 'object' || value === null)
    throw new GraphError(
      'bad-snapshot',
      path,
      `holds no snapshot of a trainer; it has no readable entry '${KEY}'`,
    )
  checkPlain(value, path, fields({ kept: optional(list(whole())) }))
  const { counters, open, schema, kept } = value as Rest
  return { counters, open, ...(schema && { schema }), ...(kept && { kept }) }
}
