// Trains in FOLDER, whose disk becomes full (or read-only, or limits the size of files) while it saves; prints what came of it as JSON.
import { execFileSync } from 'node:child_process'
import { appendFileSync, readdirSync } from 'node:fs'
import { trainer } from '@bptt/stream'
import { load, save } from '@bptt/stream/node'
import { Subject } from 'rxjs'
import { event, options } from './states.mjs'

const [folder, how] = process.argv.slice(2)
const file = `${folder}/model.safetensors`

function obstruct() {
  if (how === 'read-only') execFileSync('mount', ['-o', 'remount,ro', folder])
  if (how !== 'full') return
  try {
    for (;;) appendFileSync(`${folder}/junk`, Buffer.alloc(512))
  } catch {
    // the disk is full
  }
}

const refusal = promise =>
  promise.then(
    () => 'saved',
    ({ code, message }) => ({ code, message }),
  )

const [online, calm] = [trainer(options), trainer(options)]
const [source, calmSource] = [new Subject(), new Subject()]
source.pipe(online.train()).subscribe()
calmSource.pipe(calm.train()).subscribe()
const learn = (first, last) => {
  for (let t = first; t <= last; t++) for (const one of [source, calmSource]) one.next(event(t))
}
const padding = { padding: 'x'.repeat(10_000) }

learn(1, 10)
await save(file, online.snapshot())
learn(11, 30)
obstruct()
const error = await refusal(save(file, online.snapshot(), padding))
learn(31, 50)
const bits = ({ params, slots, carry, counters }) =>
  JSON.stringify({ params, slots, carry, counters }, (_, value) =>
    ArrayBuffer.isView(value) ? Buffer.from(value.buffer).toString('hex') : value,
  )
console.log(
  JSON.stringify({
    error,
    events: (await load(file)).counters.events,
    names: readdirSync(folder).sort(),
    intact: bits(online.snapshot()) === bits(calm.snapshot()),
  }),
)
