import fs from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isTensor, leaves, squaredError } from '@bptt/graph'
import { artbp, elman, every, withReadout } from '@bptt/unroll'
import { from } from 'rxjs'

const model = withReadout(elman({ inputs: 2, hidden: 2 }), { outputs: 1 })

const event = t => ({
  input: [Math.sin(t / 3), Math.cos(t * t)],
  target: [Math.sin((t + 1) / 3)],
  ...(t % 11 === 0 && { reset: true }),
  ...(t % 5 === 1 && { weight: 0.5 }),
})
const events = (first, last) => Array.from({ length: last - first + 1 }, (_, i) => event(first + i))
const huge = (list, at) => list.map((one, i) => (i + 1 === at ? { ...one, target: [1e200] } : one))

/** Text of everything a snapshot holds, numbers by their bits, fields by their names. */
const bitsOf = snapshot =>
  JSON.stringify(snapshot, (_, value) => {
    if (ArrayBuffer.isView(value)) return Buffer.from(value.slice().buffer).toString('hex')
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
  })

/** Learns from events of a stream that does not end; reports, and the error where there is one. */
function feed(online, list) {
  const reports = []
  let error
  const source = (function* () {
    yield* list
    throw new Error('stop')
  })()
  from(source)
    .pipe(online.train())
    .subscribe({ next: one => reports.push(one), error: thrown => (error = thrown) })
  return { reports, error: error.message === 'stop' ? undefined : error }
}

const stateOf = ({ params, slots, carry, memory, counters }) =>
  bitsOf({ params, slots, carry, memory, counters })
const finite = tree =>
  leaves(tree, isTensor, 'state').every(([, { data }]) => data.every(value => Number.isFinite(value)))

const make = ({ trainer, adam }, more = {}) =>
  trainer({ model, loss: squaredError, optimizer: adam(0.01), estimator: every(3), seed: 3, ...more })
const engines = [{ engine: 'reference' }, { engine: 'compiled', dtype: 'float64' }]

/** What holds of the package, by name; each answers true where it does. */
export const known = {
  'a stream that is stopped and goes on from a file has the same bits': async (stream, node) => {
    const folder = await mkdtemp(join(tmpdir(), 'bptt-fault-'))
    try {
      const kinds = [artbp({ mean: 4, tail: 4, seed: 3 }), every(4), stream.bptt({ h: 4, every: 2 })]
      for (const [i, estimator] of kinds.entries())
        for (const at of [5, 14, 19]) {
          const more = { estimator, notFinite: 'rollback', rollbackEvery: 2, ...engines[i % 2] }
          const [whole, first] = [make(stream, more), make(stream, more)]
          const { reports } = feed(whole, events(1, 30))
          const before = feed(first, events(1, at)).reports
          const path = join(folder, `${i}-${at}.safetensors`)
          await node.save(path, first.snapshot())
          const second = make(stream, { ...more, from: await node.load(path) })
          if (bitsOf(second.snapshot()) !== bitsOf(first.snapshot())) return false
          const after = feed(second, events(at + 1, 30)).reports
          if (JSON.stringify([...before, ...after]) !== JSON.stringify(reports)) return false
          if (bitsOf(second.snapshot()) !== bitsOf(whole.snapshot())) return false
        }
      return true
    } finally {
      await rm(folder, { recursive: true })
    }
  },

  'both engines learn the same': stream => {
    const [one, two] = engines.map(engine => {
      const online = make(stream, engine)
      feed(online, events(1, 15))
      const more = { ...engine, from: online.snapshot() }
      return feed(make(stream, more), events(16, 30)).reports.map(({ loss }) => loss)
    })
    return one.length === 5 && one.every((loss, i) => Math.abs(loss - two[i]) < 1e-9)
  },

  'reports count events, updates and the mean loss by hand': stream => {
    const { reports } = feed(make(stream, engines[0]), events(1, 10))
    let [seen, sum, weight] = [0, 0, 0]
    return reports.every((report, i) => {
      const own = events(seen + 1, seen + report.length).reduce((all, one) => all + (one.weight ?? 1), 0)
      if (report.weight !== own) return false
      seen += report.length
      sum += report.loss * report.weight
      weight += report.weight
      const close = Math.abs(report.prequential - sum / weight) < 1e-12
      return report.events === seen && report.updates === i + 1 && close
    })
  },

  'an update that is not finite leaves the state, and its events are read again': stream => {
    for (const engine of engines)
      for (const more of [{}, { optimizer: stream.sgd(1e308) }]) {
        const online = make(stream, { ...engine, ...more })
        const before = make(stream, { ...engine, ...more })
        const clean = more.optimizer === undefined
        const { error } = feed(online, clean ? huge(events(1, 9), 5) : events(1, 9))
        feed(before, clean ? events(1, 3) : [])
        const [state, other] = [online.snapshot(), before.snapshot()]
        if (error?.code !== 'not-finite' || stateOf(state) !== stateOf(other)) return false
        if (state.open.t !== (clean ? 3 : 0) || !finite(state.params)) return false
        if (clean && !error.message.includes('t = 2 (event 5)')) return false
      }
    return true
  },

  'skip passes over events as if they had not been there, a reset among them excepted': stream => {
    const list = events(1, 9).map((one, i) => (i === 3 ? { ...one, reset: true } : one))
    const [skipping, plain] = [make(stream, { ...engines[0], notFinite: 'skip' }), make(stream, engines[0])]
    feed(skipping, huge(list, 5))
    feed(plain, [...list.slice(0, 3), { ...list[6], reset: true }, ...list.slice(7)])
    return stateOf(skipping.snapshot()) === stateOf(plain.snapshot())
  },

  'rollback goes back to a state that is some updates old': stream => {
    const more = { ...engines[0], notFinite: 'rollback', rollbackEvery: 2 }
    const { reports } = feed(make(stream, more), huge(events(1, 24), 14))
    return String(reports.map(({ updates }) => updates)) === '1,2,3,4,5,2,3,4,5'
  },

  'lanes that wait lose nothing': stream => {
    const estimator = artbp({ mean: 3, tail: 4, seed: 1 })
    const online = make(stream, { ...engines[0], estimator, lanes: 2 })
    const { reports } = feed(
      online,
      events(1, 20).map(one => [one, one]),
    )
    const learned = reports.reduce((sum, { length }) => sum + length, 0)
    const held = online.snapshot().open.lanes.reduce((sum, { samples }) => sum + samples.length, 0)
    return learned + held === 40
  },

  'an event is its values when it came': stream => {
    const [reused, fresh] = [make(stream, engines[0]), make(stream, engines[0])]
    const buffer = [0, 0]
    const source = (function* () {
      for (const one of events(1, 6)) {
        buffer[0] = one.input[0]
        buffer[1] = one.input[1]
        yield { ...one, input: buffer }
      }
    })()
    feed(reused, source)
    feed(fresh, events(1, 6))
    return stateOf(reused.snapshot()) === stateOf(fresh.snapshot())
  },

  'a snapshot of another optimiser, or one that is not finite, is refused': stream => {
    const own = make(stream, engines[0]).snapshot()
    const carry = { h: { shape: [1, 2], data: Float64Array.of(1, Number.NaN) } }
    const refused = more => {
      try {
        make(stream, { ...engines[0], from: own, ...more })
        return false
      } catch ({ code }) {
        return code === 'bad-snapshot'
      }
    }
    return refused({ optimizer: stream.adam(0.02) }) && refused({ from: { ...own, carry } })
  },

  'what is dropped is counted': async stream => {
    const reports = await new Promise(resolve => {
      const seen = []
      from(events(1, 10))
        .pipe(stream.buffered({ size: 3, policy: 'dropOldest' }), make(stream, engines[0]).train())
        .subscribe({ next: one => seen.push(one), complete: () => resolve(seen) })
    })
    return reports.length === 1 && reports[0].dropped === 7
  },

  'a source is left when nobody listens': async stream => {
    let read = 0
    const source = { [Symbol.iterator]: () => ({ next: () => ({ done: false, value: event(++read) }) }) }
    await new Promise(resolve => {
      const subscription = make(stream, engines[0])
        .trainOn(source, { yieldEvery: 0 })
        .subscribe(() => {
          subscription.unsubscribe()
          resolve()
        })
    })
    await new Promise(resolve => setTimeout(resolve, 20))
    return read === 3
  },

  'a file is on the disk before it takes the place of another, and the kept one is replaced last': async (
    stream,
    node,
  ) => {
    const folder = await mkdtemp(join(tmpdir(), 'bptt-fault-'))
    const path = join(folder, 'model.safetensors')
    const { snapshot } = make(stream, engines[0])
    for (let i = 0; i < 2; i++) await node.save(path, snapshot())
    const steps = []
    const real = { open: fs.promises.open, rename: fs.promises.rename }
    fs.promises.rename = (a, b) => {
      steps.push(`rename to ${b.slice(folder.length + 1)}`)
      return real.rename(a, b)
    }
    fs.promises.open = async (name, ...rest) => {
      const handle = await real.open(name, ...rest)
      const sync = handle.sync.bind(handle)
      handle.sync = () => {
        steps.push(name === folder ? 'flush folder' : 'flush')
        return sync()
      }
      return handle
    }
    syncBuiltinESMExports()
    try {
      await node.save(path, snapshot())
    } finally {
      Object.assign(fs.promises, real)
      syncBuiltinESMExports()
      await rm(folder, { recursive: true })
    }
    return (
      String(steps) === 'flush,rename to model.safetensors,rename to model.previous.safetensors,flush folder'
    )
  },
}
