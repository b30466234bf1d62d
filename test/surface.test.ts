import { expect, test } from 'vitest'
import { doors } from './style/exports.js'
import { packages, sources } from './style/source.js'

const all = sources()
const surface = packages()
  .flatMap(one => doors(one, all))
  .map(({ door, names = [] }) => [door, [...names].sort()] as const)
  .filter(([, names]) => names.length > 0)

// a change that is meant: npm test -- test/surface.test.ts -u
test.each(surface)('%s gives away the names in test/surface, and no other', async (door, names) => {
  const file = door.replace('@bptt/', '').replace('/', '-')
  await expect(`${names.join('\n')}\n`).toMatchFileSnapshot(`surface/${file}.txt`)
})
