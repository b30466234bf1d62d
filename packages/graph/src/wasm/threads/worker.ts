/**
 * Words of the memory that a thread and its program's owner share. Runs are numbered; a number means that run.
 * Whoever writes a run's number into `taken` first does that run, so a thread that is late is not waited for.
 */
export const words = { asked: 0, taken: 1, done: 2, failed: 3 } as const

/** In place of a run's number: the thread is to listen to messages again. */
export const LEAVE = -1

/** The number after a run's; there are 2³⁰. */
export const following = (run: number): number => (run + 1) & 0x3fffffff

/** The number before a run's. */
export const before = (run: number): number => (run - 1) & 0x3fffffff

/**
 * What a thread runs, as text: so it needs no file of its own, which bundlers would have to know of. A message brings a module
 * with its memory; until it is told to leave, the thread then sleeps from run to run.
 */
export const workerText: string = `
const inNode = typeof process === 'object' && process.versions !== undefined && process.versions.node !== undefined
const nothing = () => {}
const serve = ({ module, memory, state }) => {
  const { exports } = new WebAssembly.Instance(module, { env: { memory, call: nothing, tick: nothing } })
  for (let seen = 0; ; ) {
    Atomics.wait(state, ${words.asked}, seen)
    const run = Atomics.load(state, ${words.asked})
    if (run === ${LEAVE}) return
    const last = (run - 1) & 0x3fffffff
    if (run !== seen && Atomics.compareExchange(state, ${words.taken}, last, run) === last) {
      try {
        exports.run()
      } catch {
        Atomics.store(state, ${words.failed}, 1)
      }
      Atomics.store(state, ${words.done}, run)
      Atomics.notify(state, ${words.done})
    }
    seen = run
  }
}
if (inNode) require('node:worker_threads').parentPort.on('message', serve)
else self.onmessage = ({ data }) => serve(data)
`
