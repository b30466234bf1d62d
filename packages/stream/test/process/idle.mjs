// Trains in a worker, unsubscribes in the middle, and has nothing more to do: the process ends by itself.
import { hosted } from '@bptt/stream/node'
import { interval, map } from 'rxjs'
import { event } from './states.mjs'

const there = await hosted(new URL('./states.mjs', import.meta.url))
const events = interval(1).pipe(map(t => event(t + 1)))
const subscription = events.pipe(there.train()).subscribe(async ({ events }) => {
  if (events !== 8) return
  subscription.unsubscribe()
  console.log((await there.snapshot()).open.t >= 8)
})
