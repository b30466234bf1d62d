import { GraphError } from '@bptt/graph'
import { describe, expect, test } from 'vitest'
import { refused } from './shapes.test-d.js'

describe('a product that the type checker refuses', () => {
  test('is refused when it is traced too', () => {
    expect(refused).toThrow(GraphError)
    expect(refused).toThrow("matmul: a [2, 3] and b [4, 3] do not chain: a's 3 columns meet b's 4 rows")
  })
})
