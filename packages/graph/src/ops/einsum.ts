import { GraphError } from '../error.js'
import type { Ref } from '../ref.js'
import { showShape } from '../shape.js'
import { contract } from './contract.js'
import { sum } from './reduce.js'

/**
 * Einstein summation of two operands: letters name axes, and those missing from the result are summed, as in
 * `einsum('bij,jk->bik', a, b)`. A letter that only one operand has is summed there first.
 *
 * A letter stands once in each operand at most: no diagonals, no ellipsis.
 * @throws GraphError `bad-spec`, `shape`.
 */
export function einsum(spec: string, a: Ref, b: Ref): Ref {
  const match = /^([a-z]*),([a-z]*)->([a-z]*)$/i.exec(spec.replaceAll(' ', ''))
  if (match === null)
    throw new GraphError('bad-spec', 'einsum', `'${spec}' is no spec; a spec reads like 'bij,jk->bik'`)
  const [, left, right, out] = match as unknown as [string, string, string, string]
  checkLetters(spec, [left, right, out])
  checkRank(spec, 'a', left, a)
  checkRank(spec, 'b', right, b)
  const first = withoutLoners(a, left, right + out)
  const second = withoutLoners(b, right, left + out)
  return contract(first.x, second.x, { spec: `${first.letters},${second.letters}->${out}` })
}

function checkLetters(spec: string, parts: readonly [string, string, string]): void {
  const [left, right, out] = parts
  for (const letter of left + right + out) {
    if (parts.some(part => part.split(letter).length > 2))
      throw new GraphError(
        'bad-spec',
        'einsum',
        `'${letter}' stands twice in one part of '${spec}'; a letter stands once in each`,
      )
    if (!(left + right).includes(letter))
      throw new GraphError(
        'bad-spec',
        'einsum',
        `'${letter}' of the result is in no operand of '${spec}'; every letter of a result is in an operand`,
      )
  }
}

function checkRank(spec: string, name: string, letters: string, x: Ref): void {
  if (x.shape.length === letters.length) return
  throw new GraphError(
    'shape',
    'einsum',
    `${name} ${showShape(x.shape)} does not have the axes '${letters}' of '${spec}'; a letter is one axis`,
  )
}

/** An operand summed over the letters that nothing else has. */
function withoutLoners(x: Ref, letters: string, others: string): { x: Ref; letters: string } {
  const axis = [...letters].flatMap((letter, i) => (others.includes(letter) ? [] : [i]))
  const kept = [...letters].filter(letter => others.includes(letter)).join('')
  return { x: axis.length === 0 ? x : sum(x, { axis }), letters: kept }
}
