import { GraphError, isTensor, leaves, showShape, type Tensor } from '@bptt/graph'
import { PARTS, type Snapshot } from './state.js'

/** @throws GraphError `bad-snapshot` where a snapshot does not fit what it is to be used with. */
export function checkSnapshot(own: Snapshot, given: Snapshot): void {
  for (const part of PARTS) {
    const [known, found] = [own, given].map(
      state =>
        new Map(
          leaves<Tensor>(state[part] ?? {}, isTensor, part).map(([name, { shape }]) => [
            name,
            showShape(shape),
          ]),
        ),
    ) as [Map<string, string>, Map<string, string>]
    for (const name of new Set([...known.keys(), ...found.keys()]))
      if (known.get(name) !== found.get(name))
        throw new GraphError(
          'bad-snapshot',
          'trainer',
          `${part} '${name}' is ${found.get(name) ?? 'missing'} in the snapshot and ${known.get(name) ?? 'unknown'} here; a snapshot fits the model and optimiser it was made with`,
        )
  }
}
