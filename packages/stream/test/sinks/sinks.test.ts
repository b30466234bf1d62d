import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { from, lastValueFrom, of, Subject, toArray } from 'rxjs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { jsonl, tensorBoard } from '../../src/node/index.js'
import { crc32c } from '../../src/sinks/crc32c.js'
import { eventFileHeader, scalarRecord } from '../../src/sinks/index.js'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** Bit by bit, as the definition of the code says. */
function slowCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes)
    for (let bit = 0; bit < 8; bit++) {
      const low = (crc ^ (byte >> bit)) & 1
      crc = (crc >>> 1) ^ (low ? 0x82f63b78 : 0)
    }
  return ~crc >>> 0
}

describe('crc32c', () => {
  test('gives the published checksums (RFC 3720, appendix B.4)', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43)
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e)
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => 31 - i))).toBe(0x113fdb5c)
  })

  test('is the division by the polynomial, bit by bit', () => {
    fc.assert(fc.property(fc.uint8Array(), bytes => crc32c(bytes) === slowCrc(bytes)))
  })
})

interface Event {
  readonly time: number
  readonly step: number
  readonly version: string
  readonly scalars: Readonly<Record<string, number>>
}

/** A reader of event files, from the descriptions of TFRecord and of protobuf alone. */
function decode(file: Uint8Array): Event[] {
  const view = Buffer.from(file)
  const events: Event[] = []
  const masked = (bytes: Uint8Array) => {
    const crc = BigInt(slowCrc(bytes))
    return Number((((crc >> 15n) | ((crc << 17n) & 0xffffffffn)) + 0xa282ead8n) & 0xffffffffn)
  }
  for (let at = 0; at < view.length; ) {
    const length = Number(view.readBigUInt64LE(at))
    expect(view.readUInt32LE(at + 8)).toBe(masked(view.subarray(at, at + 8)))
    const data = view.subarray(at + 12, at + 12 + length)
    expect(view.readUInt32LE(at + 12 + length)).toBe(masked(data))
    events.push(decodeEvent(data))
    at += 16 + length
  }
  return events
}

function decodeEvent(data: Buffer): Event {
  const fields = decodeFields(data)
  const values = fields.filter(([id]) => id === 5).flatMap(([, summary]) => decodeFields(summary as Buffer))
  const scalars = values.map(([, value]) => {
    const parts = new Map(decodeFields(value as Buffer))
    return [String(parts.get(1)), (parts.get(2) as Buffer).readFloatLE()] as const
  })
  const all = new Map(fields)
  return {
    time: (all.get(1) as Buffer).readDoubleLE(),
    step: Number(all.get(2) ?? 0),
    version: String(all.get(3) ?? ''),
    scalars: Object.fromEntries(scalars),
  }
}

function decodeFields(data: Buffer): [number, Buffer | bigint][] {
  const fields: [number, Buffer | bigint][] = []
  let at = 0
  const varint = (): bigint => {
    let [value, shift] = [0n, 0n]
    for (;;) {
      const byte = data[at++]!
      value |= BigInt(byte & 0x7f) << shift
      shift += 7n
      if (byte < 0x80) return value
    }
  }
  const take = (size: number): Buffer => {
    at += size
    return data.subarray(at - size, at)
  }
  while (at < data.length) {
    const key = Number(varint())
    const kind = key & 7
    if (kind === 0) fields.push([key >> 3, varint()])
    else fields.push([key >> 3, take(kind === 1 ? 8 : kind === 5 ? 4 : Number(varint()))])
  }
  return fields
}

describe('an event file', () => {
  test('begins with the header that TensorBoard looks for, byte by byte', () => {
    const data = `09${'000000000000f83f'}1a0d${Buffer.from('brain.Event:2').toString('hex')}`
    const made = hex(eventFileHeader(1.5))
    expect(made.slice(0, 16)).toBe('1800000000000000')
    // the checksum of the length 24 that every event file in the wild begins with
    expect(made.slice(16, 24)).toBe('a37f4b22')
    expect(made.slice(24, 24 + data.length)).toBe(data)
    expect(made.length).toBe(24 + data.length + 8)
  })

  test('holds a scalar as the format says, byte by byte', () => {
    // Event { wall_time: 2, step: 300, summary { value { tag: "a", simple_value: 1 } } }
    const event = '090000000000000040' + '10ac02' + '2a0a' + '0a08' + '0a0161' + '150000803f'
    const made = hex(scalarRecord({ step: 300, scalars: { a: 1 } }, 2))
    expect(made.slice(0, 16)).toBe('1800000000000000')
    expect(made.slice(24, -8)).toBe(event)
  })

  test('gives back what was written, to an independent reader', () => {
    const scalars = fc.dictionary(fc.string({ minLength: 1 }), fc.float())
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat({ max: 2 ** 40 }), scalars)), records => {
        const file = [
          eventFileHeader(1),
          ...records.map(([step, each]) => scalarRecord({ step, scalars: each }, 2.25)),
        ]
        const [header, ...events] = decode(Buffer.concat(file))
        expect(header).toEqual({ time: 1, step: 0, version: 'brain.Event:2', scalars: {} })
        expect(events).toEqual(
          records.map(([step, each]) => ({
            time: 2.25,
            step,
            version: '',
            scalars: Object.fromEntries(Object.entries(each)),
          })),
        )
      }),
    )
  })

  test('refuses a step that is no whole number', () => {
    expect(() => scalarRecord({ step: 0.5, scalars: {} }, 0)).toThrow(
      'step is 0.5; a step is a whole number ≥ 0',
    )
  })
})

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bptt-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('tensorBoard', () => {
  test('writes a file per run into the folder, and passes values on', async () => {
    const into = join(folder, 'runs', '1')
    const values = [
      { events: 3, loss: 0.5 },
      { events: 6, loss: Number.NaN },
    ]
    const scalars = ({ events, loss }: { events: number; loss: number }) => ({
      step: events,
      scalars: { loss },
    })
    expect(await lastValueFrom(from(values).pipe(tensorBoard(into, scalars), toArray()))).toEqual(values)
    const [name, ...others] = await readdir(into)
    expect([name!.startsWith('events.out.tfevents.'), others]).toEqual([true, []])
    const events = decode(await readFile(join(into, name!)))
    expect(events.map(({ step, scalars }) => [step, scalars])).toEqual([
      [0, {}],
      [3, { loss: 0.5 }],
      [6, { loss: Number.NaN }],
    ])
  })

  test('fails where the folder cannot be', async () => {
    await writeFile(join(folder, 'file'), '')
    const run = of(1).pipe(tensorBoard(join(folder, 'file', 'x'), step => ({ step, scalars: {} })))
    await expect(lastValueFrom(run)).rejects.toMatchObject({ code: 'cannot-write' })
  })
})

describe('jsonl', () => {
  test('appends lines, goes on after a line that was cut off, and passes values on', async () => {
    const path = join(folder, 'a.jsonl')
    await lastValueFrom(
      from([
        { a: 1, b: 2 },
        { a: 'x\ny', b: 3 },
      ]).pipe(jsonl(path, ({ a }) => ({ a }))),
    )
    expect(await readFile(path, 'utf8')).toBe('{"a":1}\n{"a":"x\\ny"}\n')
    await lastValueFrom(of(Number.NaN, 5).pipe(jsonl(path)))
    await writeFile(path, '{"a":', { flag: 'a' })
    expect(await lastValueFrom(of(6).pipe(jsonl(path), toArray()))).toEqual([6])
    expect(await readFile(path, 'utf8')).toBe('{"a":1}\n{"a":"x\\ny"}\nnull\n5\n{"a":\n6\n')
  })

  test('has every line in the file when its value is passed on, and opens none before it is subscribed to', async () => {
    const path = join(folder, 'a.jsonl')
    const values = new Subject<number>()
    const written = values.pipe(jsonl(path))
    expect(await readdir(folder)).toEqual([])
    const subscription = written.subscribe()
    values.next(1)
    expect(await readFile(path, 'utf8')).toBe('1\n')
    subscription.unsubscribe()
    values.next(2)
    expect(await readFile(path, 'utf8')).toBe('1\n')
  })

  test('says why it cannot write', async () => {
    await expect(lastValueFrom(of(1).pipe(jsonl(folder)))).rejects.toThrow(
      `${folder}: cannot be written: it is a folder; records are appended whole or not at all`,
    )
    const full = lastValueFrom(of(1).pipe(jsonl('/dev/full')))
    await expect(full).rejects.toThrow('/dev/full: cannot be written: the disk is full; records are appended')
  })
})
