import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GraphError, squaredError } from '@bptt/graph'
import { elman, every, linearNet, withReadout } from '@bptt/unroll'
import fc from 'fast-check'
import { from } from 'rxjs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  decodeSafetensors,
  encodeSafetensors,
  halfSquaredError,
  type KeyedOptions,
  type KeyedSample,
  type KeyedSnapshot,
  keyed,
  sgd,
} from '../src/index.js'
import { bytesOf } from '../src/keyed/bytes.js'
import { decodeKeyed, encodeKeyed } from '../src/keyed/file.js'
import { loadKeyed, saveKeyed, writeAtomic } from '../src/node/index.js'
import { change, changed, places } from './hostile.js'
import { bits, events, numbersOf, stopped } from './support.js'

const options: KeyedOptions = {
  model: withReadout(elman({ inputs: 2, hidden: 1 }), { outputs: 1 }),
  loss: squaredError,
  estimator: every(3),
  optimizer: sgd(0.01),
  engine: 'reference',
  seed: 7,
}

const mixed = (length: number): KeyedSample[] =>
  events(length).map((sample, i) => ({ ...sample, key: i % 3 === 0 ? 'a' : 'b' }))

/** A lane that holds nothing, behind three events. */
const LANE = { first: 4, samples: [], credit: [], ended: 0, age: 0, pending: 1, due: false, skip: 0 }

/** A fleet in the middle of its streams. */
function fleetOf(more: Partial<KeyedOptions> = {}) {
  const fleet = keyed({ ...options, ...more })
  from(stopped(mixed(8)))
    .pipe(fleet.train())
    .subscribe({ error: () => undefined })
  return fleet
}

describe('a keyed snapshot says what it was made with', () => {
  const own = fleetOf().snapshot()

  test.each<[string, Partial<KeyedOptions>, RegExp]>([
    ['optimizer', { optimizer: sgd(0.02) }, /is sgd\(0.01\), and here it is sgd\(0.02\); /],
    ['estimator', { estimator: every(4) }, /is every\(3\), and here it is every\(4\); /],
    ['loss', { loss: halfSquaredError }, /is #[0-9a-f]{16}, and here it is #[0-9a-f]{16}; /],
  ])('and another %s is refused by its name, unless that is meant', (part, other, sentence) => {
    const make = (changed: KeyedOptions['changed'] = []) =>
      keyed({ ...options, ...other, from: own, changed })
    expect(() => make()).toThrow(expect.objectContaining({ code: 'bad-snapshot', where: 'keyed' }))
    expect(() => make()).toThrow(new RegExp(`^keyed: the ${part} of the snapshot ${sentence.source}`))
    expect(() => make()).toThrow(`hint: where that is meant: changed: ['${part}']`)
    const meant = make([part] as NonNullable<KeyedOptions['changed']>)
    expect(bits(meant.snapshot().shared!.params)).toEqual(bits(own.shared!.params))
  })

  test('and another model is refused, of other shapes or the same', () => {
    const make = (model: KeyedOptions['model']) => () => keyed({ ...options, model, from: own })
    expect(make(withReadout(elman({ inputs: 2, hidden: 2 }), { outputs: 1 }))).toThrow(
      /^keyed: the model of the snapshot is .* #[0-9a-f]{16}, and here it is .* #[0-9a-f]{16}; /,
    )
    const { schema: _, ...rest } = own
    expect(() =>
      keyed({ ...options, model: linearNet({ inputs: 2, hidden: 1, outputs: 1 }), from: rest }),
    ).toThrow("keyed: params '")
  })

  test('in its file too, and one that says nothing is taken by its shapes', () => {
    expect(decodeKeyed(encodeKeyed(own, {}), 'a').snapshot.schema).toEqual(own.schema)
    const { schema, ...rest } = own
    expect(schema).toMatchObject({ optimizer: 'sgd(0.01)', estimator: 'every(3)', lanes: 1 })
    expect(() => keyed({ ...options, estimator: every(9), from: rest })).not.toThrow()
  })
})

describe('hostile keyed snapshots', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'bptt-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  const snapshots = (['shared', 'own'] as const).map(
    models => [models, fleetOf({ models }).snapshot()] as const,
  )

  /** The file of a snapshot with other text beside its tensors. */
  function fileWith(snapshot: KeyedSnapshot, change: (plain: unknown) => unknown): Uint8Array {
    const { tensors, metadata } = decodeSafetensors(encodeKeyed(snapshot, {}))
    const plain = change(JSON.parse(metadata['bptt.keyed']!))
    return encodeSafetensors(tensors, { 'bptt.keyed': JSON.stringify(plain) })
  }

  test.each(snapshots)(
    'of models that are %s lead to a coded error in few words, or to a trainer that goes on',
    (models, honest) => {
      const { metadata } = decodeSafetensors(encodeKeyed(honest, {}))
      const at = places(JSON.parse(metadata['bptt.keyed']!))
      let [refused, taken] = [0, 0]
      fc.assert(
        fc.property(fc.array(change(at), { minLength: 1, maxLength: 3 }), changes => {
          try {
            const { snapshot } = decodeKeyed(
              fileWith(honest, plain => changes.reduce<unknown>(changed, plain)),
              'a.safetensors',
            )
            const fleet = keyed({ ...options, models, from: snapshot })
            let failure: unknown
            from(mixed(9))
              .pipe(fleet.train())
              .subscribe({ error: error => (failure = error) })
            if (failure !== undefined) throw failure
            taken++
            const { shared, streams } = fleet.snapshot()
            for (const { params = {} } of [{ ...shared }, ...streams.map(({ values }) => values)])
              for (const values of numbersOf(params).values())
                expect(values.every(Number.isFinite)).toBe(true)
          } catch (error) {
            if (!(error instanceof GraphError)) throw error
            refused++
            expect(['bad-snapshot', 'bad-sample', 'not-finite']).toContain(error.code)
            expect(error.message.length).toBeLessThan(400)
          }
        }),
        { numRuns: 500 },
      )
      expect([refused > 50, taken > 5]).toEqual([true, true])
    },
  )

  test.each<[string, string, unknown, string]>([
    ['a count that is none', 't', -1, 't is -1; it is a whole number ≥ 0'],
    ['no streams', 'streams', {}, 'streams is an object; it is a list'],
    ['a key that is none', 'streams.0.key', 7, 'streams[0].key is 7; it is a text'],
    ['a key twice', 'streams.1.key', 'a', 'streams[1].key is "a"; every stream has a key of its own'],
    [
      'two lanes',
      'streams.0.open.lanes',
      [LANE, LANE],
      'streams[0].open.lanes is a list of 2; a stream has one lane',
    ],
    [
      'an event without an input',
      'streams.1.open.lanes.0.samples.0.input',
      undefined,
      'streams[1].open.lanes[0].samples[0].input is undefined; it is a list',
    ],
    [
      'a lane that is elsewhere',
      'streams.0.open.t',
      9,
      'streams[0].open.lanes[0].first is 4; with 0 samples behind it the lane does not stand at t = 9',
    ],
    [
      'counters of a model that is shared',
      'shared.counters.updates',
      0.5,
      'shared.counters.updates is 0.5; it is a whole number ≥ 0',
    ],
    [
      'no model at all',
      'shared',
      undefined,
      'streams[0].counters is undefined; a model per key counts for itself',
    ],
  ])('name the file and the place: %s', async (_, place, to, sentence) => {
    const path = join(folder, 'hostile.safetensors')
    const [, honest] = snapshots[0]!
    await writeAtomic(
      path,
      fileWith(honest, plain => changed(plain, { path: place.split('.'), to })),
    )
    await expect(loadKeyed(path)).rejects.toMatchObject({
      code: 'bad-snapshot',
      message: `${path}: snapshot.${sentence}`,
    })
  })

  test('name tensors that have not a row for each stream, and files of something else', async () => {
    const path = join(folder, 'rows.safetensors')
    const [, honest] = snapshots[0]!
    await saveKeyed(path, { ...honest, streams: [] })
    const { metadata } = decodeSafetensors(encodeKeyed({ ...honest, streams: [] }, {}))
    const { tensors } = decodeSafetensors(encodeKeyed(honest, {}))
    expect(() => decodeKeyed(encodeSafetensors(tensors, metadata), 'a')).toThrow(
      "a: 'streams.carry.h' is [2, 1, 1], and there are 0 streams; it has a row for each",
    )
    for (const text of [undefined, '', '{', 'null', '7'])
      expect(() =>
        decodeKeyed(encodeSafetensors({}, text === undefined ? {} : { 'bptt.keyed': text }), 'a'),
      ).toThrow("a: holds no snapshot of a keyed trainer; it has no readable entry 'bptt.keyed'")
  })

  test('that are values are held to the same rules', () => {
    const [, honest] = snapshots[0]!
    const [first, ...rest] = honest.streams
    const make = (streams: unknown) => () =>
      keyed({ ...options, from: { ...honest, streams } as KeyedSnapshot })
    expect(make([first, first, ...rest])).toThrow('keyed: snapshot.streams[1].key is "a"; every stream')
    const { open } = rest[0]!
    const lanes = [
      { ...open.lanes[0]!, samples: open.lanes[0]!.samples.map(one => ({ ...one, input: [1] })) },
    ]
    expect(make([first, { ...rest[0]!, open: { ...open, lanes } }])).toThrow(
      "event 4 of key 'b' in the snapshot: its input is a list of 1; the model's are [2]",
    )
    const carry = { h: { shape: [1, 1], data: Float64Array.of(Number.NaN) } }
    expect(make([{ ...first!, values: { ...first!.values, carry } }])).toThrow(
      "key 'a': carry 'h' holds NaN in the snapshot; a state is finite numbers",
    )
  })

  test('in a store stop the stream with the key, and nothing else changes', () => {
    const bad: readonly [string, () => Uint8Array, string][] = [
      ['bad-safetensors', () => new Uint8Array(3), "key 'a' in the store: "],
      ['bad-snapshot', () => encodeSafetensors({}, {}), "key 'a' in the store: stream is undefined; "],
      [
        'bad-snapshot',
        () => bytesOf({ ...snapshots[0]![1].streams[0]!, values: {} }),
        "key 'a': carry 'h' is missing in the snapshot",
      ],
    ]
    for (const [code, bytes, sentence] of bad) {
      const store = { get: bytes, set: () => undefined, delete: () => undefined }
      const fleet = keyed({ ...options, resident: 1, store })
      let failure: unknown
      const feed = (key: string): void => {
        from(stopped([{ ...events(1)[0]!, key }]))
          .pipe(fleet.train())
          .subscribe({ error: error => (failure = error) })
      }
      for (const key of ['a', 'b', 'a']) feed(key)
      expect(failure).toMatchObject({ code, message: expect.stringContaining(sentence) })
      feed('b')
      expect(failure).toMatchObject({ message: 'stop' })
    }
  })
})
