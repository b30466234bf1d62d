import { expect, test } from 'vitest'
import { ops } from '../packages/graph/src/ops/all.js'
import { declaredOps, opsPage } from './docs/ops.js'

test('docs/ops.md says what the declarations say', async () => {
  await expect(opsPage()).toMatchFileSnapshot('../docs/ops.md')
})

test('every op that is declared is in the list of ops, which the laws go through', () => {
  expect(declaredOps().sort()).toEqual(ops.map(({ name }) => name).sort())
})

test('every op has a line of its own, with a comment', () => {
  const lines = opsPage()
    .split('\n')
    .filter(line => line.startsWith('| `'))
  expect(lines.map(line => line.split('(')[0]!.slice(3)).sort()).toEqual(ops.map(({ name }) => name).sort())
  expect(lines.filter(line => line.split(' | ')[1] === '')).toEqual([])
})
