import { GraphError, isTensor, leaves, showShape, type Tensor } from '@bptt/graph'
import { PARTS, type Values } from './state.js'

/**
 * Holds the tensors of a snapshot to those of the state that it is to replace, part by part.
 * @throws GraphError `bad-snapshot`; `where` names who was given it.
 */
export function checkValues(where: string, own: Partial<Values>, given: Partial<Values>): void {
  for (const part of PARTS) {
    const [known, found] = [shapesOf(own, part), shapesOf(given, part)]
    for (const name of new Set([...known.keys(), ...found.keys()]))
      if (known.get(name) !== found.get(name))
        throw new GraphError(
          'bad-snapshot',
          where,
          `${part} '${name}' is ${found.get(name) ?? 'missing'} in the snapshot and ${known.get(name) ?? 'unknown'} here; a snapshot fits the model and optimiser it was made with`,
        )
  }
}

const shapesOf = (values: Partial<Values>, part: keyof Values): ReadonlyMap<string, string> =>
  new Map(
    leaves<Tensor>(values[part] ?? {}, isTensor, part).map(([name, { shape }]) => [name, showShape(shape)]),
  )
