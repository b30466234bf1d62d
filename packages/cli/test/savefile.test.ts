import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeSafetensors } from '@bptt/stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Failure } from '../src/failure.js'
import { checkSavePath } from '../src/savefile.js'

let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bptt-savefile-'))
})

afterAll(async () => {
  await rm(folder, { recursive: true })
})

test('a path with nothing there can be saved in', async () => {
  await expect(checkSavePath(join(folder, 'new.safetensors'))).resolves.toBeUndefined()
})

test('a folder that does not exist is refused', async () => {
  const path = join(folder, 'none', 'm.safetensors')
  const message = `cannot save in ${path}: there is no folder ${join(folder, 'none')}`
  await expect(checkSavePath(path)).rejects.toThrow(new Failure(message))
})

test('a path that is a folder is refused', async () => {
  const message = `cannot save in ${folder}: it is a folder; name a file in it`
  await expect(checkSavePath(folder)).rejects.toThrow(new Failure(message))
})

test.each([
  ['text', Buffer.from('dear diary')],
  ['safetensors of someone else', encodeSafetensors({ w: { shape: [1], data: Float64Array.of(1) } })],
])('a file of %s is not replaced', async (name, bytes) => {
  const path = join(folder, name)
  await writeFile(path, bytes)
  const message = `cannot save in ${path}: there is a file that is not a model of bptt; choose another name or move it away`
  await expect(checkSavePath(path)).rejects.toThrow(new Failure(message))
})
