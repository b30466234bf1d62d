import {
  GraphError,
  grow,
  isRef,
  isShape,
  isTensor,
  type Leaf,
  leaves,
  mapTree,
  type Ref,
  type Tree,
} from '@bptt/graph'
import { branch, checkStep, type Optimizer, type Update, zip } from '../optimiser.js'
import { sideBySide } from './reports.js'

/**
 * An optimiser for each group of parameters, by patterns of their dotted names: `*` stands for any characters, dots too, and the first
 * pattern that fits takes the parameter. What a group's optimiser clips or counts is its group's. Slots of group k stand under `g0`, `g1`, …
 * @example groups({ 'embedding.*': freeze(), '*.bias*': sgd(1e-2), '*': adam(1e-3) })
 * @throws GraphError `bad-setting` without a group, `no-step` where one makes no step; `bad-group`, as the trainer is made, where a
 * parameter fits no pattern or a pattern gets no parameter.
 * @category Start here
 */
export function groups(optimizers: Readonly<Record<string, Optimizer>>): Optimizer {
  const members = Object.entries(optimizers)
  if (members.length === 0)
    throw new GraphError('bad-setting', 'groups', 'has no group; it needs at least one', "'*' takes all")
  for (const [pattern, optimizer] of members) checkStep(`groups '${pattern}'`, optimizer)
  const patterns = members.map(([pattern]) => pattern)
  const each = <R>(make: (optimizer: Optimizer, k: number) => R): readonly R[] =>
    members.map(([, optimizer], k) => make(optimizer, k))
  return {
    text: `groups(${members.map(([pattern, { text }]) => `${pattern}: ${text}`).join('; ')})`,
    slots(params) {
      const parts = split(leaves(params, isShape, 'groups'), patterns)
      return Object.fromEntries(each((optimizer, k) => [`g${k}`, optimizer.slots(grow(parts[k]!))]))
    },
    update(gradients, site) {
      const slopes = split(leaves(gradients, isRef, 'groups'), patterns)
      const params = split(leaves(site.params, isRef, 'groups'), patterns)
      const made = each((optimizer, k) =>
        optimizer.update(grow(slopes[k]!), {
          ...site,
          params: grow(params[k]!),
          slots: branch(site.slots, `g${k}`),
        }),
      )
      return joined(gradients, made)
    },
    ...(members.some(([, { average }]) => average) && {
      average(slots, params) {
        const parts = split(leaves(params, isTensor, 'groups'), patterns)
        const read = each(({ average }, k) => {
          const own = grow(parts[k]!)
          return leaves(average?.(branch(slots, `g${k}`), own) ?? own, isTensor, 'groups')
        })
        const found = new Map(read.flat())
        return mapTree(params, isTensor, (_, name) => found.get(name)!)
      },
    }),
  }
}

/** Leaves by the first pattern that fits their names. */
function split<T>(all: readonly Leaf<T>[], patterns: readonly string[]): readonly (readonly Leaf<T>[])[] {
  const tests = patterns.map(expression)
  const parts = patterns.map((): Leaf<T>[] => [])
  for (const leaf of all) {
    const k = tests.findIndex(test => test.test(leaf[0]))
    if (k < 0)
      throw new GraphError(
        'bad-group',
        'groups',
        `parameter '${leaf[0]}' fits none of ${quoted(patterns)}; every parameter belongs to a group`,
        "end with '*', which takes all that is left",
      )
    parts[k]!.push(leaf)
  }
  const idle = parts.findIndex(part => part.length === 0)
  if (idle < 0) return parts
  const some = all.some(([name]) => tests[idle]!.test(name))
  throw new GraphError(
    'bad-group',
    'groups',
    `pattern '${patterns[idle]}' ${some ? 'comes after patterns that take all it fits' : 'fits no parameter'}; there are ${quoted(all.map(([name]) => name))}`,
    some ? 'write the narrower pattern first' : undefined,
  )
}

const quoted = (names: readonly string[]): string => names.map(name => `'${name}'`).join(', ')

/** A pattern as an expression of the whole name. */
function expression(pattern: string): RegExp {
  const parts = pattern.split('*').map(part => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 's')
}

/** Updates of all groups as one tree in the order of the gradients. */
function joined(gradients: Tree<Ref>, made: readonly Update[]): Update {
  const found = made.flatMap(({ updates }) => leaves(updates, isRef, 'groups'))
  return {
    updates: zip([gradients, grow(found)], (_, update) => update),
    slots: Object.fromEntries(made.map(({ slots }, k) => [`g${k}`, slots])),
    reports: sideBySide(made.map(({ reports = {} }) => reports)),
  }
}
