// A process of its own: three training steps of one workload in one engine, and what they added to its peak memory.
import { jaxEngine, ours, tfjsEngine } from '../engines/all.js'
import { workloads } from '../workloads.js'

const [, , name, engine] = process.argv
const make = { ours: () => ours('portable'), jax: jaxEngine, tfjs: tfjsEngine }[engine as 'ours']
const work = workloads.find(one => one.name === name)
if (make === undefined || work === undefined) throw new Error(`memory: no ${engine} or no ${name}`)

const made = await make()
globalThis.gc?.()
const before = process.memoryUsage.rss()
const runner = made.prepare(work)
for (let i = 0; i < 3; i++) runner.step()
const added = process.resourceUsage().maxRSS * 1024 - before
process.stdout.write(
  JSON.stringify({ workload: name, engine, added_mb: added / 2 ** 20, idle_mb: before / 2 ** 20 }),
)
