import type { Tensor } from '@bptt/graph'
import { describe, expect, test } from 'vitest'
import { cells } from '../src/commands/model.js'
import { Failure } from '../src/failure.js'
import {
  cellOf,
  characterModel,
  checkParams,
  decodeRecord,
  encodeRecord,
  type ModelRecord,
  metadataKey,
  parameterCount,
} from '../src/model.js'

const record: ModelRecord = {
  format: 1,
  model: characterModel('gru', 5, 3),
  alphabet: ['\n', 'a', '😀'],
  training: { seed: 1 },
}

const numbers = {
  format: 1,
  model: { cell: 'elman', hidden: 4, inputs: 2, outputs: 1 },
  numbers: { input: { mean: [0, 1], deviation: [1, 2] }, target: { mean: [3], deviation: [4] } },
  training: {},
} as const satisfies ModelRecord

test('a model of numbers takes a vector and gives one', () => {
  const cell = cellOf(numbers.model)
  expect([cell.input, cell.output]).toEqual([[2], [1]])
})

describe('a character model', () => {
  test('embeds symbols in at most 32 numbers', () => {
    expect([3, 32, 97].map(symbols => characterModel('lstm', 8, symbols).embedding)).toEqual([3, 32, 32])
  })

  test.each(cells)('%s takes an id and gives a logit for each symbol', name => {
    const cell = cellOf(characterModel(name, 4, 7))
    expect(cell.output).toEqual([7])
    expect(cell.input).toEqual([])
  })

  test.each([
    ['lstm', 4],
    ['gru', 3],
    ['elman', 1],
  ] as const)('%s has the parameters of its %d gates, its embedding and its readout', (name, gates) => {
    const [H, E, S] = [6, 7, 7]
    const inner = gates * (H * E + H * H + 2 * H)
    expect(parameterCount(cellOf(characterModel(name, H, S)))).toBe(inner + E * S + (H * S + S))
  })
})

describe('decodeRecord', () => {
  const decode = (text: string): ModelRecord => decodeRecord({ [metadataKey]: text }, 'm.safetensors')

  test.each([record, numbers])('reads back what encodeRecord wrote', one => {
    expect(decode(encodeRecord(one))).toEqual(one)
  })

  test('refuses a file without a record', () => {
    const message =
      "m.safetensors holds tensors but no model of bptt; models are written by 'bptt train --save'"
    expect(() => decodeRecord({}, 'm.safetensors')).toThrow(new Failure(message))
  })

  test.each([
    ['no JSON', '{'],
    ['another type', '[]'],
    ['another format', JSON.stringify({ ...record, format: 2 })],
    ['another cell', JSON.stringify({ ...record, model: { ...record.model, cell: 'toString' } })],
    ['no units', JSON.stringify({ ...record, model: { ...record.model, hidden: 0 } })],
    ['an alphabet of another size', JSON.stringify({ ...record, alphabet: ['a', 'b'] })],
    ['an alphabet of other things', JSON.stringify({ ...record, alphabet: [1, 2, 3] })],
    ['scales that are missing', JSON.stringify({ ...numbers, numbers: {} })],
    ['a scale of another width', JSON.stringify({ ...numbers, model: { ...numbers.model, inputs: 3 } })],
    [
      'a scale of other things',
      JSON.stringify({
        ...numbers,
        numbers: { ...numbers.numbers, target: { mean: ['0'], deviation: [1] } },
      }),
    ],
    ['no training', JSON.stringify({ ...record, training: undefined })],
  ])('refuses a record with %s', (_, text) => {
    const message =
      "m.safetensors describes its model in a way this version does not know (metadata 'bptt.model')"
    expect(() => decode(text)).toThrow(new Failure(message))
  })
})

describe('checkParams', () => {
  const cell = cellOf(record.model)
  const { params } = cell.init(1)
  const spare: Tensor = { shape: [2], data: new Float64Array(2) }

  test('accepts what the cell itself makes', () => {
    expect(() => checkParams(cell, params, 'm')).not.toThrow()
  })

  test('names a tensor that is missing', () => {
    expect(() => checkParams(cell, {}, 'm')).toThrow(/^m lacks the tensor '.+' \[.+\] of its model$/)
  })

  test('names a tensor that is left over', () => {
    const more = { ...(params as Record<string, Tensor>), spare }
    expect(() => checkParams(cell, more, 'm')).toThrow("m has a tensor 'spare' that its model does not use")
  })

  test('names a tensor of another shape with both shapes', () => {
    const other = cellOf(characterModel('gru', 6, 3)).init(1).params
    expect(() => checkParams(cell, other, 'm')).toThrow(
      /^m has '.+' in shape \[.+\], but its model needs \[.+\]$/,
    )
  })
})
