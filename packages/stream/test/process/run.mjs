// Trains on the first EVENTS events, checkpoints often, goes on where FILE says. A dot before and after each save; 'done' at the end.
import { existsSync, writeSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { trainer } from '@bptt/stream'
import { checkpoint, load } from '@bptt/stream/node'
import { from, lastValueFrom, tap } from 'rxjs'
import { estimators, event, options } from './states.mjs'

const [file, events, estimator] = process.argv.slice(2)
const dot = () => writeSync(1, '.')

const saved = existsSync(file) ? await load(file) : undefined
if (saved?.warning) writeSync(1, `WARNING ${saved.warning}\n`)
const online = trainer({ ...options, estimator: estimators[estimator], ...(saved && { from: saved }) })
async function* rest() {
  for (let t = (saved?.open.t ?? 0) + 1; t <= Number(events); t++) {
    yield event(t)
    await setImmediate()
  }
}
/** A wide entry makes the file long, so that writing it takes its time. */
const metadata = () => {
  dot()
  return { wide: 'x'.repeat(60_000) }
}
const keep = checkpoint(online, file, { every: 1, metadata })
await lastValueFrom(from(rest()).pipe(online.train(), tap(dot), keep), { defaultValue: undefined })
writeSync(1, 'done')
