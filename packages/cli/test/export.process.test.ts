import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeSafetensors } from '@bptt/stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ended, inProcess } from './bptt.js'

let folder = ''
const exported = (...args: string[]): Promise<Ended> => inProcess(folder, ['export', ...args])

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bptt-export-'))
  await writeFile(join(folder, 'text.txt'), 'abcabd'.repeat(60))
  await writeFile(join(folder, 'notes.txt'), 'mine')
  const tensors = { w: { shape: [1], data: Float64Array.of(1) } }
  await writeFile(join(folder, 'foreign.safetensors'), encodeSafetensors(tensors))
  const train = ['train', '--text', 'text.txt', '--hidden', '5', '--save', 'm.safetensors', '--quiet']
  const { code, stderr } = await inProcess(folder, train)
  if (code !== 0) throw new Error(stderr)
}, 120_000)

afterAll(async () => {
  await rm(folder, { recursive: true })
})

describe('bptt export', () => {
  test.each([
    [
      'step',
      'inputs   x [batch], carry.h [batch, 5], carry.c [batch, 5]',
      'outputs  y [batch, 4], next.h [batch, 5], next.c [batch, 5]',
    ],
    [
      'scan',
      'inputs   xs [time, batch], carry.h [batch, 5], carry.c [batch, 5]',
      'outputs  ys [time, batch, 4], next.h [batch, 5], next.c [batch, 5]',
    ],
  ])(
    'writes a %s model with its alphabet, over an older one, and says what goes in and out',
    async (form, ...edges) => {
      const { code, stdout, stderr } = await exported('m.safetensors', '--onnx', 'm.onnx', '--form', form)
      expect([code, stderr]).toEqual([0, ''])
      const [first, ...rest] = stdout.trimEnd().split('\n')
      expect(first).toMatch(/^m\.onnx {2}\d\.\d KiB$/)
      expect(rest).toEqual(edges)
      const file = await readFile(join(folder, 'm.onnx'), 'utf8')
      for (const part of ['bptt', '["a","b","c","d"]', 'params.weight_hh', 'carry.c', 'next.c'])
        expect(file).toContain(part)
      expect(file.includes('Scan')).toBe(form === 'scan')
    },
  )

  test.each([
    [['m.safetensors'], "required option '--onnx <FILE>' not specified"],
    [
      ['m.safetensors', '--onnx', 'notes.txt'],
      'cannot save in notes.txt: there is a file that is not an ONNX model of bptt; choose another name or move it away',
    ],
    [['m.safetensors', '--onnx', 'no/m.onnx'], 'cannot save in no/m.onnx: there is no folder no'],
    [
      ['none.safetensors', '--onnx', 'n.onnx'],
      'none.safetensors: cannot be read: there is no such file or folder',
    ],
    [
      ['foreign.safetensors', '--onnx', 'n.onnx'],
      "foreign.safetensors: holds no snapshot of a trainer; it has no readable entry 'bptt.snapshot'",
    ],
    [
      ['m.safetensors', '--onnx', 'n.onnx', '--form', 'loop'],
      "--form must be one of step, scan, but is 'loop'",
    ],
  ])('%j: says what is wrong, and writes nothing', async (args, sentence) => {
    expect(await exported(...args)).toEqual({ code: 2, stdout: '', stderr: `bptt export: ${sentence}\n` })
    expect(await readFile(join(folder, 'notes.txt'), 'utf8')).toBe('mine')
    await expect(readFile(join(folder, 'n.onnx'))).rejects.toThrow('ENOENT')
  })

  test('with --json says the same as a record', async () => {
    const { code, stdout } = await exported('m.safetensors', '--onnx', 'm.onnx', '--json')
    expect([code, JSON.parse(stdout)]).toEqual([
      0,
      {
        ...{ model: expect.any(String), onnx: expect.any(String), form: 'step', bytes: expect.any(Number) },
        inputs: { x: ['batch'], 'carry.h': ['batch', 5], 'carry.c': ['batch', 5] },
        outputs: { y: ['batch', 4], 'next.h': ['batch', 5], 'next.c': ['batch', 5] },
      },
    ])
  })

  test('--help has an example and the exit codes', async () => {
    const { code, stdout } = await exported('--help')
    expect(code).toBe(0)
    for (const part of ['Examples:', 'Exit codes:']) expect(stdout).toContain(part)
  })
})
