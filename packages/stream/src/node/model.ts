import { GraphError, grow, isTensor, leaves, type Tensor, type Tree } from '@bptt/graph'
import { decodeSafetensors, encodeSafetensors } from '../safetensors.js'
import type { Snapshot } from '../state.js'
import { readBytes, writeAtomic } from './files.js'

const PARTS = ['params', 'slots', 'carry'] as const
const KEY = 'bptt.snapshot'

/**
 * Writes a snapshot as a safetensors file: tensors `params.…`, `slots.…`, `carry.…` in float64, counters and the open
 * window as JSON in the metadata, beside entries of one's own. The file is replaced whole or not at all.
 * @throws GraphError `cannot-write`.
 */
export async function save(
  path: string,
  snapshot: Snapshot,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const tensors = Object.fromEntries(
    PARTS.flatMap(part =>
      leaves<Tensor>(snapshot[part], isTensor, part).map(
        ([name, value]) => [`${part}.${name}`, value] as const,
      ),
    ),
  )
  const { counters, open } = snapshot
  await writeAtomic(
    path,
    encodeSafetensors(tensors, { ...metadata, [KEY]: JSON.stringify({ counters, open }) }),
  )
}

/**
 * Reads a snapshot back, with the metadata it was saved with.
 * @throws GraphError `cannot-read`, `bad-safetensors`; `bad-snapshot` where the file holds something else.
 */
export async function load(
  path: string,
): Promise<Snapshot & { readonly metadata: Readonly<Record<string, string>> }> {
  const { tensors, metadata } = decodeSafetensors(await readBytes(path), path)
  const rest = parse(metadata[KEY], path)
  const part = (name: string): Tree<Tensor> =>
    grow(
      Object.entries(tensors).flatMap(([key, value]) =>
        key.startsWith(`${name}.`) ? [[key.slice(name.length + 1), value] as const] : [],
      ),
    )
  return { params: part('params'), slots: part('slots'), carry: part('carry'), ...rest, metadata }
}

function parse(text: string | undefined, path: string): Pick<Snapshot, 'counters' | 'open'> {
  try {
    if (text !== undefined) return check(JSON.parse(text))
  } catch {
    // falls through: text that is no JSON is as foreign as none
  }
  throw new GraphError(
    'bad-snapshot',
    path,
    `holds no snapshot of a trainer; it has no readable entry '${KEY}'`,
  )
}

function check(value: Pick<Snapshot, 'counters' | 'open'>): Pick<Snapshot, 'counters' | 'open'> {
  const { counters, open } = value
  const whole = [counters.events, counters.updates, open.t].every(
    count => Number.isSafeInteger(count) && count >= 0,
  )
  if (whole && Array.isArray(open.samples) && Array.isArray(open.credit)) return { counters, open }
  throw new GraphError('bad-snapshot', 'snapshot', 'its counters are not whole numbers')
}
