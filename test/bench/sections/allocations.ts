import { type HeapProfiler, Session } from 'node:inspector/promises'
import type { Context } from '../context.js'
import { type Compiled, compiledStep } from '../engines/ours.js'
import type { Finding } from '../table.js'
import { workloads } from '../workloads.js'

const runs = 100_000
const tiny = workloads.find(({ name }) => name === 'W1')!

/** What the heap profiler sees allocated in 100,000 steps of W1, freed or not. */
export async function allocations(context: Context): Promise<boolean> {
  const made = compiledStep(tiny, 'portable')
  made.program.run(made.first as never)
  const loops: readonly (readonly [string, (made: Compiled) => void])[] = [
    ['step', ({ program }) => program.step()],
    ['view + step', ({ program }) => void program.view('loss')[0] === undefined || program.step()],
  ]
  const findings: Finding[] = []
  for (const [path, once] of loops) findings.push(await row(path, () => once(made)))
  context.reporter.report('allocations', `Allocated on the hot path, ${runs} steps of W1`, findings)
  return true
}

async function row(path: string, once: () => void): Promise<Finding> {
  for (let i = 0; i < 20_000; i++) once()
  globalThis.gc?.()
  const heap = process.memoryUsage().heapUsed
  const head = await sampled(() => {
    for (let i = 0; i < runs; i++) once()
  })
  const sites = sitesOf(head).filter(({ name }) => name !== 'sampled')
  const bytes = sites.reduce((sum, site) => sum + site.bytes, 0)
  globalThis.gc?.()
  return {
    path,
    bytes_per_step: bytes / runs,
    kept_bytes: process.memoryUsage().heapUsed - heap,
    most: sites[0] === undefined ? 'nothing' : `${sites[0].name} ${sites[0].bytes} B`,
  }
}

/** Everything that was allocated while `run` ran, by call stack; one sample every kilobyte. */
async function sampled(run: () => void): Promise<HeapProfiler.SamplingHeapProfileNode> {
  const session = new Session()
  session.connect()
  const all = { includeObjectsCollectedByMajorGC: true, includeObjectsCollectedByMinorGC: true }
  await session.post('HeapProfiler.startSampling', { samplingInterval: 1024, ...all } as never)
  run()
  const { profile } = await session.post('HeapProfiler.stopSampling')
  session.disconnect()
  return profile.head
}

interface Site {
  readonly name: string
  readonly bytes: number
}

/** Functions that allocated, the most first; those of Node itself are not counted. */
function sitesOf(head: HeapProfiler.SamplingHeapProfileNode): readonly Site[] {
  const found = new Map<string, number>()
  const visit = (node: HeapProfiler.SamplingHeapProfileNode): void => {
    const { functionName, url } = node.callFrame
    if (url.startsWith('file:') && node.selfSize > 0)
      found.set(functionName, (found.get(functionName) ?? 0) + node.selfSize)
    node.children.forEach(visit)
  }
  visit(head)
  return [...found].map(([name, bytes]) => ({ name, bytes })).sort((a, b) => b.bytes - a.bytes)
}
