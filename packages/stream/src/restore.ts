import { GraphError, isTensor, leaves, showShape, type Tensor } from '@bptt/graph'
import {
  type Check,
  entries,
  fields,
  finite,
  flag,
  list,
  Misfit,
  numbers,
  optional,
  positive,
  text,
  whole,
} from './checks.js'
import type { EventShapes } from './sample.js'
import { checkSample } from './sample.js'
import { CHANGEABLE } from './schema.js'
import { type Kept, PARTS, type Schema, type Snapshot, type Values } from './state.js'
import type { Cutting } from './window.js'

/** What a snapshot holds beside tensors. */
export type Plain = Pick<Snapshot, 'counters' | 'open' | 'schema'>

/** One lane of a cutting. */
const lane = fields({
  ...{ first: whole(1), ended: whole(), age: whole(), skip: whole() },
  ...{ pending: finite, due: flag, credit: list(finite) },
  samples: list(
    fields({
      input: numbers,
      target: numbers,
      reset: optional(flag),
      weight: optional(positive),
      dropped: optional(whole()),
    }),
  ),
})

const standing = fields({ t: whole(), lanes: list(lane), notes: optional(entries(numbers)) })

/** Counters, wherever they come from. */
export const counting: Check = fields({
  ...{ events: whole(), updates: whole(), dropped: optional(whole()) },
  prequential: fields({ weight: positive, sum: finite, lost: finite }),
})

/** A schema, where there is one. */
export const schemed: Check = optional(
  fields({ model: text, loss: text, optimizer: text, estimator: text, lanes: whole(1), hash: text }),
)

/** Where the cutting of a stream stands; its lanes stand where the stream does. */
export const cutting: Check = (value, name) => {
  standing(value, name)
  checkLanes(value as Cutting, name)
}

const plain = fields({ counters: counting, open: cutting, schema: schemed })

/**
 * Checks what a snapshot holds beside tensors, wherever it comes from.
 * @throws GraphError `bad-snapshot` that names the first place that does not fit.
 */
export function checkPlain(
  value: unknown,
  where: string,
  more: Check = () => undefined,
): asserts value is Plain {
  checkFits(where, () => {
    plain(value, 'snapshot')
    more(value, 'snapshot')
  })
}

/** @throws GraphError `bad-snapshot` where a check finds a misfit. */
export function checkFits(where: string, check: () => void): void {
  try {
    check()
  } catch (error) {
    if (error instanceof Misfit) throw refused(where, error.text)
    throw error
  }
}

function checkLanes({ t, lanes }: Cutting, place: string): void {
  if (lanes.length === 0) throw new Misfit(`${place}.lanes`, lanes, 'there is one lane or more')
  lanes.forEach(({ first, samples, credit, ended, skip }, i) => {
    const name = `${place}.lanes[${i}]`
    const { length } = samples
    if (credit.length !== length)
      throw new Misfit(`${name}.credit`, credit, `it has a weight for each of the ${length} samples`)
    if (ended > length) throw new Misfit(`${name}.ended`, ended, `the lane holds ${length} samples`)
    if (first - 1 + length - skip !== t)
      throw new Misfit(
        `${name}.first`,
        first,
        `with ${length} samples behind it the lane does not stand at t = ${t}`,
      )
  })
}

const refused = (where: string, detail: string, hint?: string): GraphError =>
  new GraphError('bad-snapshot', where, detail, hint)

/** @throws GraphError `bad-snapshot` where a snapshot does not fit what it is to be used with. */
export function checkSnapshot(own: Snapshot, given: Snapshot, shapes: EventShapes): void {
  checkPlain(given, 'trainer')
  checkValues('trainer', own, given)
  given.kept?.forEach((kept: Kept, i) => {
    checkValues(`trainer, kept state ${i}`, own, kept)
  })
  if (given.open.lanes.length !== own.open.lanes.length)
    throw refused(
      'trainer',
      `the snapshot has ${given.open.lanes.length} lanes, and here there are ${own.open.lanes.length}`,
    )
  checkOpen(given.open, shapes, 'the snapshot')
}

/** @throws GraphError `bad-sample` where an event that waits to be learned from does not fit; `of` names what holds it. */
export function checkOpen({ lanes }: Cutting, shapes: EventShapes, of: string): void {
  for (const { samples, first } of lanes)
    samples.forEach((sample, i) => {
      checkSample(sample, shapes, () => `event ${first + i} of ${of}`)
    })
}

/**
 * Holds the tensors of a snapshot to those of the state that it is to replace, part by part: the same names and shapes, and finite.
 * @throws GraphError `bad-snapshot`; `where` names who was given it.
 */
export function checkValues(where: string, own: Partial<Values>, given: Partial<Values>): void {
  for (const part of PARTS) {
    const [known, found] = [tensorsOf(own, part), tensorsOf(given, part)]
    for (const name of new Set([...known.keys(), ...found.keys()])) {
      const [here, there] = [known.get(name), found.get(name)].map(value => value && showShape(value.shape))
      if (here !== there)
        throw refused(
          where,
          `${part} '${name}' is ${there ?? 'missing'} in the snapshot and ${here ?? 'unknown'} here; a snapshot fits the model and optimiser it was made with`,
        )
      const odd = found.get(name)!.data.find(value => !Number.isFinite(value))
      if (odd !== undefined)
        throw refused(where, `${part} '${name}' holds ${odd} in the snapshot; a state is finite numbers`)
    }
  }
}

const tensorsOf = (values: Partial<Values>, part: keyof Values): ReadonlyMap<string, Tensor> =>
  new Map(leaves<Tensor>(values[part] ?? {}, isTensor, part))

/** The parts of a trainer that may be meant to differ from those that a snapshot was made with. */
export type Changed = 'model' | 'loss' | 'optimizer' | 'estimator'

/** @throws GraphError `bad-snapshot` where a snapshot was made with another part than here, unless that is meant; `where` names who was given it. */
export function checkSchema(
  where: string,
  own: Schema,
  given: Schema | undefined,
  changed: readonly Changed[],
): void {
  if (given === undefined || given.hash === own.hash) return
  for (const part of CHANGEABLE)
    if (given[part] !== own[part] && !changed.includes(part))
      throw refused(
        where,
        `the ${part} of the snapshot is ${given[part]}, and here it is ${own[part]}; a snapshot goes on with what it was made with`,
        `where that is meant: changed: ['${part}']`,
      )
}
