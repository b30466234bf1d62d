import {
  add,
  clamp,
  concat,
  contract,
  count,
  type Dim,
  dot,
  dropout,
  einsum,
  expand,
  flip,
  GraphError,
  gate,
  gather,
  graph,
  huber,
  index,
  linear,
  matmul,
  mul,
  oneHot,
  outer,
  pad,
  permute,
  type Ref,
  reshape,
  type Shape,
  scatterAdd,
  slice,
  softmax,
  softmaxCrossEntropy,
  split,
  squaredError,
  stack,
  sum,
  tensor,
  transpose,
  uniform,
  where,
} from '@bptt/graph'
import { describe, expect, test } from 'vitest'
import { valuesOf } from './numeric.js'

/** The error that `build` makes of inputs of these shapes. */
function complaint(shapes: readonly Shape[], build: (...refs: Ref[]) => unknown): string {
  try {
    graph(Object.fromEntries(shapes.map((shape, i) => [`x${i}`, shape] as const)), refs => {
      const made = build(...(Object.values(refs) as Ref[]))
      return { made: made as Ref }
    })
  } catch (error) {
    if (error instanceof GraphError) return `${error.code} | ${error.message}`
    throw error
  }
  return 'none'
}

const of = (...dims: Dim[]): Shape => dims

describe('elementwise ops', () => {
  test('name the inputs that do not broadcast', () => {
    expect(complaint([of(2, 3), of(4)], add)).toMatchInlineSnapshot(
      `"shape | add: a [2, 3] and b [4] do not broadcast; axes align from the last, with equal lengths or 1"`,
    )
    expect(complaint([of(2, 3), of(3, 2)], mul)).toMatchInlineSnapshot(`
      "shape | mul: a [2, 3] and b [3, 2] do not broadcast; axes align from the last, with equal lengths or 1
      hint: transpose b"
    `)
    expect(complaint([of('T'), of('B')], add)).toMatchInlineSnapshot(
      `"shape | add: a [T] and b [B] do not broadcast; axes align from the last, with equal lengths or 1"`,
    )
    expect(complaint([of(2), of(3), of(2)], where)).toMatchInlineSnapshot(
      `"shape | where: condition [2] and a [3] do not broadcast; axes align from the last, with equal lengths or 1"`,
    )
    expect(complaint([of(2), of(3)], (x, by) => gate(x, { by }))).toMatchInlineSnapshot(
      `"shape | gate: by [3] does not broadcast to x [2]; a weight is a scalar or one per element"`,
    )
    expect(complaint([of(2)], x => clamp(x, { low: 2, high: 1 }))).toMatchInlineSnapshot(
      `"bad-setting | clamp: [2, 1] is no interval; low is at most high"`,
    )
  })
})

describe('reductions', () => {
  test('name the axis that is not there', () => {
    expect(complaint([of(2, 3)], x => sum(x, { axis: 2 }))).toMatchInlineSnapshot(
      `"axis | sum: axis 2 does not exist in [2, 3]; its axes are 0 to 1, or −2 to −1 from the last"`,
    )
    expect(complaint([of(2, 3)], x => sum(x, { axis: -3 }))).toMatchInlineSnapshot(
      `"axis | sum: axis -3 does not exist in [2, 3]; its axes are 0 to 1, or −2 to −1 from the last"`,
    )
    expect(complaint([of(2, 3)], x => sum(x, { axis: 0.5 }))).toMatchInlineSnapshot(
      `"axis | sum: axis 0.5 does not exist in [2, 3]; its axes are 0 to 1, or −2 to −1 from the last"`,
    )
    expect(complaint([of(2, 3)], x => sum(x, { axis: [0, -2] }))).toMatchInlineSnapshot(
      `"axis | sum: axis 0 of [2, 3] stands twice; an axis is reduced once"`,
    )
    expect(complaint([of()], x => softmax(x))).toMatchInlineSnapshot(
      `"axis | softmax: axis -1 does not exist in []; a scalar has no axes"`,
    )
    expect(complaint([of(2)], x => count(x, { axes: [1] }))).toMatchInlineSnapshot(
      `"axis | count: axis 1 does not exist in [2]; axes are positions below 1"`,
    )
  })
})

describe('products', () => {
  test('name the axes that do not meet', () => {
    expect(complaint([of(2, 3), of(4, 3)], matmul)).toMatchInlineSnapshot(`
      "shape | matmul: a [2, 3] and b [4, 3] do not chain: a's 3 columns meet b's 4 rows; both are matrices [..., rows, columns]
      hint: transpose b"
    `)
    expect(complaint([of(3), of(3, 2)], matmul)).toMatchInlineSnapshot(
      `"shape | matmul: a [3] and b [3, 2] do not chain: a's 3 columns meet b's 3 rows; both are matrices [..., rows, columns]"`,
    )
    expect(complaint([of(2, 2, 3), of(3, 3, 2)], matmul)).toMatchInlineSnapshot(
      `"shape | matmul: the axes in front of a [2, 2, 3] and b [3, 3, 2] do not broadcast; they align from the last, with equal lengths or 1"`,
    )
    expect(complaint([of(3), of(3, 4)], linear)).toMatchInlineSnapshot(`
      "shape | linear: x [3] and W [3, 4] do not fit: x's last axis meets W's columns; W is [outputs, inputs]
      hint: transpose W"
    `)
    expect(complaint([of(), of(3, 4)], linear)).toMatchInlineSnapshot(
      `"shape | linear: x [] and W [3, 4] do not fit: x's last axis meets W's columns; W is [outputs, inputs]"`,
    )
    expect(complaint([of(2, 3), of(3)], outer)).toMatchInlineSnapshot(
      `"shape | outer: a [2, 3] and b [3] are not two vectors; both are [n]"`,
    )
    expect(complaint([of(2), of(3)], dot)).toMatchInlineSnapshot(
      `"shape | dot: a [2] and b [3] are not two vectors of one length; both are [n]"`,
    )
  })

  test('of letters name the letter', () => {
    const contracted = (spec: string) => (a: Ref, b: Ref) => contract(a, b, { spec })
    expect(complaint([of(2), of(3)], contracted('i,i->'))).toMatchInlineSnapshot(
      `"shape | contract: axis 'i' is 2 in a [2] and 3 in b [3]; shared axes are equal"`,
    )
    expect(complaint([of(2), of(3)], contracted('ij,j->i'))).toMatchInlineSnapshot(
      `"shape | contract: a [2] and b [3] do not have the axes of 'ij,j->i'; a letter is one axis"`,
    )
    expect(complaint([of(2), of(3)], contracted('i,j->i'))).toMatchInlineSnapshot(
      `"bad-spec | contract: 'j' in 'i,j->i' stands alone or twice in one operand; a letter joins two or three of them"`,
    )
    expect(complaint([of(2), of(3)], contracted('i j'))).toMatchInlineSnapshot(
      `"bad-spec | contract: 'i j' is no spec; a spec reads like 'bi,hi->bh'"`,
    )
    const summed = (spec: string) => (a: Ref, b: Ref) => einsum(spec, a, b)
    expect(complaint([of(2), of(3)], summed('i->j'))).toMatchInlineSnapshot(
      `"bad-spec | einsum: 'i->j' is no spec; a spec reads like 'bij,jk->bik'"`,
    )
    expect(complaint([of(2, 2), of(2)], summed('ii,i->'))).toMatchInlineSnapshot(
      `"bad-spec | einsum: 'i' stands twice in one part of 'ii,i->'; a letter stands once in each"`,
    )
    expect(complaint([of(2), of(3)], summed('i,j->k'))).toMatchInlineSnapshot(
      `"bad-spec | einsum: 'k' of the result is in no operand of 'i,j->k'; every letter of a result is in an operand"`,
    )
    expect(complaint([of(2), of(3)], summed('ij,j->i'))).toMatchInlineSnapshot(
      `"shape | einsum: a [2] does not have the axes 'ij' of 'ij,j->i'; a letter is one axis"`,
    )
  })
})

describe('shape ops', () => {
  test('name the shape that does not fit', () => {
    expect(complaint([of(2, 3)], x => reshape(x, { shape: [5] }))).toMatchInlineSnapshot(
      `"shape | reshape: [2, 3] does not fill [5]; both have the same number of elements"`,
    )
    expect(complaint([of('T', 3)], x => reshape(x, { shape: [3] }))).toMatchInlineSnapshot(
      `"shape | reshape: [T, 3] does not fill [3]; both have the same number of elements"`,
    )
    expect(complaint([of(2)], x => expand(x, { shape: [3] }))).toMatchInlineSnapshot(
      `"shape | expand: [2] does not broadcast to [3]; axes align from the last, with equal lengths or 1"`,
    )
    expect(complaint([of(2)], x => transpose(x))).toMatchInlineSnapshot(
      `"shape | transpose: [2] has no two axes to exchange; a matrix is [..., rows, columns]"`,
    )
    expect(complaint([of(2, 3)], x => permute(x, { axes: [0, 0] }))).toMatchInlineSnapshot(
      `"axis | permute: [0, 0] is no order of the axes of [2, 3]; it names every axis once"`,
    )
    expect(complaint([of(2, 3)], x => flip(x, { axes: [2] }))).toMatchInlineSnapshot(
      `"axis | flip: axis 2 does not exist in [2, 3]; axes are positions below 2"`,
    )
    expect(complaint([of(2, 3)], x => slice(x, { axis: 1, start: 2, size: 2 }))).toMatchInlineSnapshot(
      `"slice-range | slice: [2, 4) is outside axis 1 of [2, 3]; a slice starts and ends on it, at whole numbers"`,
    )
    expect(complaint([of('T', 3)], x => slice(x, { axis: 0, start: 0, size: 2 }))).toMatchInlineSnapshot(
      `"axis | slice: axis 0 of [T, 3] is named 'T'; the axis must have a fixed length"`,
    )
    expect(complaint([of(3)], x => pad(x, { axis: 0, start: 1, length: 3 }))).toMatchInlineSnapshot(
      `"slice-range | pad: 3 elements at 1 do not fit an axis of 3; the part starts and ends on it, at whole numbers"`,
    )
    expect(complaint([of(3)], x => index(x, { at: 3 }))).toMatchInlineSnapshot(
      `"slice-range | slice: [3, 4) is outside axis 0 of [3]; a slice starts and ends on it, at whole numbers"`,
    )
    expect(complaint([of(3)], x => index(x, { axis: 1, at: 0 }))).toMatchInlineSnapshot(
      `"axis | index: axis 1 does not exist in [3]; its axes are 0 to 0, or −1 to −1 from the last"`,
    )
  })

  test('refuse lengths that are no whole numbers', () => {
    expect(complaint([of(2, 3)], x => reshape(x, { shape: [-2, -3] }))).toMatchInlineSnapshot(
      `"bad-shape | reshape: has the length -2; a length is a whole number ≥ 0 or a name"`,
    )
    expect(complaint([of(1)], x => expand(x, { shape: [-1] }))).toMatchInlineSnapshot(
      `"bad-shape | expand: has the length -1; a length is a whole number ≥ 0 or a name"`,
    )
    expect(complaint([of(1)], x => expand(x, { shape: [2 ** 30, 2 ** 30] }))).toMatchInlineSnapshot(
      `
      "bad-shape | expand: [1073741824, 1073741824] has more elements than can be counted
      hint: a value has at most 2⁵³ − 1 elements; take a smaller length, or name the axis"
    `,
    )
    expect(complaint([of(3)], x => slice(x, { axis: 0, start: 0.5, size: 1 }))).toMatchInlineSnapshot(
      `"slice-range | slice: [0.5, 1.5) is outside axis 0 of [3]; a slice starts and ends on it, at whole numbers"`,
    )
    expect(complaint([of(3)], x => pad(x, { axis: 0, start: 0, length: 3.5 }))).toMatchInlineSnapshot(
      `"slice-range | pad: 3 elements at 0 do not fit an axis of 3.5; the part starts and ends on it, at whole numbers"`,
    )
    expect(complaint([of(3)], ids => oneHot(ids, { size: 0.5 }))).toMatchInlineSnapshot(
      `"bad-shape | oneHot: has the length 0.5; a length is a whole number ≥ 0 or a name"`,
    )
    expect(complaint([of(3), of(3)], (v, ids) => scatterAdd(v, ids, { rows: -1 }))).toMatchInlineSnapshot(
      `"bad-shape | scatterAdd: has the length -1; a length is a whole number ≥ 0 or a name"`,
    )
    expect(complaint([of()], key => uniform(key, { shape: [-1] }))).toMatchInlineSnapshot(
      `"bad-shape | uniform: has the length -1; a length is a whole number ≥ 0 or a name"`,
    )
  })

  test('of parts name the parts', () => {
    expect(complaint([of(2, 3)], x => split(x, { parts: 2 })[0])).toMatchInlineSnapshot(
      `"slice-range | split: axis 1 of [2, 3] does not divide into 2 equal parts; the parts make up the axis"`,
    )
    expect(complaint([of(2, 3)], x => split(x, { parts: [1, 1] })[0])).toMatchInlineSnapshot(
      `"slice-range | split: axis 1 of [2, 3] does not divide into parts of 1, 1; the parts make up the axis"`,
    )
    expect(complaint([of(2, 3)], x => split(x, { parts: 0 }))).toMatchInlineSnapshot(
      `"slice-range | split: axis 1 of [2, 3] does not divide into 0 equal parts; the parts make up the axis"`,
    )
    expect(complaint([of(2, 3), of(2, 4)], (a, b) => concat([a, b]))).toMatchInlineSnapshot(
      `"shape | concat: [2, 3] and [2, 4] differ beside axis 0; all other axes are equal"`,
    )
    expect(complaint([of(2, 3)], () => concat([]))).toMatchInlineSnapshot(
      `"empty-list | concat: has nothing to join; give one value at least"`,
    )
    expect(complaint([of(2, 3), of(2, 4)], (a, b) => stack([a, b]))).toMatchInlineSnapshot(
      `"shape | stack: [2, 3] and [2, 4] differ; stacked values have one shape"`,
    )
    expect(complaint([of(2, 3)], () => stack([]))).toMatchInlineSnapshot(
      `"empty-list | stack: has nothing to stack; give one value at least"`,
    )
  })
})

describe('look-ups and losses', () => {
  test('name what does not fit', () => {
    expect(complaint([of(), of(2)], gather)).toMatchInlineSnapshot(
      `"shape | gather: table is a scalar; a table has rows"`,
    )
    expect(complaint([of(2), of(3)], (v, ids) => scatterAdd(v, ids, { rows: 4 }))).toMatchInlineSnapshot(
      `"shape | scatterAdd: values [2] do not begin with the axes of ids [3]; values are [...ids, ...row]"`,
    )
    expect(complaint([of(2, 3), of(2, 3)], softmaxCrossEntropy)).toMatchInlineSnapshot(`
      "shape | softmaxCrossEntropy: logits [2, 3] and target [2, 3] do not fit; target has the axes of logits without the last
      hint: targets are class numbers, not one-hot vectors"
    `)
    expect(complaint([of(2, 3), of(2)], squaredError)).toMatchInlineSnapshot(
      `"shape | squaredError: y [2, 3] and target [2] differ; both are [..., outputs]"`,
    )
    expect(complaint([of(), of()], squaredError)).toMatchInlineSnapshot(
      `"shape | squaredError: y [] and target [] are scalars; both are [..., outputs]"`,
    )
    expect(complaint([of(2), of(2)], (y, t) => huber(y, t, { delta: 0 }))).toMatchInlineSnapshot(
      `"bad-setting | huber: delta is 0; delta is > 0"`,
    )
    expect(complaint([of(2)], key => uniform(key, { shape: [3] }))).toMatchInlineSnapshot(
      `"shape | uniform: key is [2]; a key is one number, a scalar"`,
    )
    expect(complaint([of(2)], x => dropout(x, { rate: 1, key: 0 }))).toMatchInlineSnapshot(
      `"bad-setting | dropout: rate is 1; a rate is in [0, 1)"`,
    )
  })

  test('name the whole number that is out of range, as they run', () => {
    const table = tensor([[1], [2]])
    expect(() => valuesOf(gather, table, tensor([0, 2]))).toThrowErrorMatchingInlineSnapshot(
      `[GraphError: gather: id 2 at position 1 is not a row of 2; ids are whole numbers in [0, 2)]`,
    )
    expect(() => valuesOf(gather, table, tensor([0.5]))).toThrowErrorMatchingInlineSnapshot(
      `[GraphError: gather: id 0.5 at position 0 is not a row of 2; ids are whole numbers in [0, 2)]`,
    )
    expect(() =>
      valuesOf(softmaxCrossEntropy, tensor([1, 2]), tensor(-1)),
    ).toThrowErrorMatchingInlineSnapshot(
      `[GraphError: softmaxCrossEntropy: target -1 at position 0 is no class; classes are whole numbers in [0, 2)]`,
    )
  })
})

describe('a call', () => {
  test('with too few inputs names them', () => {
    const short = add as unknown as (x: Ref) => Ref
    expect(complaint([of(2)], x => short(x))).toMatchInlineSnapshot(
      `"arity | add: got 1 of its inputs; it takes 2: a, b"`,
    )
  })
})
