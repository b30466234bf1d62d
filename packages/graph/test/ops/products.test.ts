import { contract, dot, einsum, evaluate, graph, linear, matmul, outer, tensor, transpose } from '@bptt/graph'
import { describe, expect, test } from 'vitest'
import { outcome, slopeOf, valuesOf } from './numeric.js'

const a = tensor([
  [1, 2, 3],
  [4, 5, 6],
])
const b = tensor([
  [1, 0],
  [0, 1],
  [2, -1],
])

describe('matmul', () => {
  test('chains rows and columns', () => {
    expect(valuesOf(matmul, a, b)).toEqual([7, -1, 16, -1])
    expect(slopeOf(matmul, a, b)).toEqual([1, 1, 1, 1, 1, 1])
  })

  test('broadcasts the axes in front of both operands', () => {
    const left = tensor([[[[1, 2]]], [[[3, 4]]]]) // [2, 1, 1, 2]
    const right = tensor([
      [[1], [1]],
      [[1], [-1]],
      [[0], [2]],
    ]) // [3, 2, 1]
    const made = outcome(matmul, [left, right])
    expect(made.shape).toEqual([2, 3, 1, 1])
    expect([...made.data]).toEqual([3, -1, 4, 7, -1, 8])
    expect(slopeOf(matmul, left, right)).toEqual([2, 2, 2, 2])
    expect(slopeOf((y, x) => matmul(x, y), right, left)).toEqual([4, 6, 4, 6, 4, 6])
  })

  test('takes one matrix to many, on either side', () => {
    const many = tensor([
      [
        [1, 0],
        [0, 1],
      ],
      [
        [0, 1],
        [1, 0],
      ],
    ])
    const one = tensor([
      [1, 2],
      [3, 4],
    ])
    expect(valuesOf(matmul, many, one)).toEqual([1, 2, 3, 4, 3, 4, 1, 2])
    expect(valuesOf(matmul, one, many)).toEqual([1, 2, 3, 4, 2, 1, 4, 3])
  })

  test('keeps named axes in front', () => {
    const made = graph({ x: ['T', 1, 2], w: [2, 2] }, ({ x, w }) => ({ y: matmul(x, w) }))
    const { y } = evaluate(made, {
      x: [[[1, 2]], [[3, 4]]],
      w: [
        [0, 1],
        [1, 0],
      ],
    })
    expect([...y.data]).toEqual([2, 1, 4, 3])
  })
})

describe('linear, outer and dot', () => {
  test('are spellings of contract', () => {
    expect(valuesOf((x, W, c) => linear(x, W, c), tensor([1, 1, 1]), a, tensor([10, 20]))).toEqual([16, 35])
    expect(valuesOf(outer, tensor([1, 2]), tensor([3, 4]))).toEqual([3, 4, 6, 8])
    expect(valuesOf(dot, tensor([1, 2]), tensor([3, 4]))).toEqual([11])
    expect(valuesOf((x, y) => contract(x, y, { spec: 'ij,ij->i' }), a, a)).toEqual([14, 77])
  })
})

describe('einsum', () => {
  test('is a matrix product for ij,jk->ik, whatever the order of the result', () => {
    expect(valuesOf((x, y) => einsum('ij,jk->ik', x, y), a, b)).toEqual([7, -1, 16, -1])
    expect(valuesOf((x, y) => einsum('ij, jk -> ki', x, y), a, b)).toEqual(
      valuesOf((x, y) => transpose(matmul(x, y)), a, b),
    )
  })

  test('sums letters that only one operand has', () => {
    expect(valuesOf((x, y) => einsum('ij,k->k', x, y), a, tensor([1, 2]))).toEqual([21, 42])
    expect(valuesOf((x, y) => einsum('ij,jk->', x, y), a, b)).toEqual([21])
    expect(valuesOf((x, y) => einsum('ij,j->i', x, y), a, tensor([1, 0, -1]))).toEqual([-2, -2])
    expect(slopeOf((x, y) => einsum('ij,k->', x, y), a, tensor([1, 2]))).toEqual([3, 3, 3, 3, 3, 3])
  })
})
