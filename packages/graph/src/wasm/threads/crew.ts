import { GraphError } from '../../error.js'
import type { Machine } from '../machine.js'
import { before, following, LEAVE, words, workerText } from './worker.js'

/** As much of a worker as is used here, of a browser or of Node. */
interface Thread {
  postMessage(message: unknown): void
  terminate(): unknown
  /** Lets the process end while the thread is there; only Node has it. */
  unref?(): void
}

/** How often the state of a run is looked at before the caller sleeps: some microseconds, less than waking takes. */
const LOOKS = 2000

/** Milliseconds of sleep between looks at a run. */
const NAP = 1000

/** Where a thread and the caller meet: words that both see, and what the thread has to run. */
class Post {
  readonly #thread: Thread
  #state = new Int32Array(new SharedArrayBuffer(16))
  #run = 0
  #machine: Machine | undefined

  constructor(thread: Thread) {
    this.#thread = thread
  }

  /** Gives the thread a machine; one that calls JavaScript stays with the caller. */
  assign(machine: Machine): void {
    if (machine === this.#machine) return
    Atomics.store(this.#state, words.asked, LEAVE)
    Atomics.notify(this.#state, words.asked)
    this.#state = new Int32Array(new SharedArrayBuffer(16))
    this.#run = 0
    this.#machine = machine
    if (machine.parts !== undefined) this.#thread.postMessage({ ...machine.parts, state: this.#state })
  }

  /** Asks for a run. */
  ask(): void {
    this.#run = following(this.#run)
    Atomics.store(this.#state, words.asked, this.#run)
    Atomics.notify(this.#state, words.asked)
  }

  /** Returns when the run is done: by the thread, or here where the thread has not begun. */
  meet(): void {
    const last = before(this.#run)
    if (Atomics.compareExchange(this.#state, words.taken, last, this.#run) === last) this.#machine!.compute()
    else this.#wait()
  }

  #wait(): void {
    for (let looks = 0; looks < LOOKS; looks++) if (this.#isDone()) break
    while (!this.#isDone()) nap(this.#state, words.done, before(this.#run))
    if (Atomics.exchange(this.#state, words.failed, 0) === 1) this.#machine!.compute() // throws what it threw there
  }

  #isDone(): boolean {
    return Atomics.load(this.#state, words.done) === this.#run
  }
}

/** Sleeps while a word has a value; a browser's main thread must not sleep and goes on looking. */
function nap(state: Int32Array, word: number, value: number): void {
  try {
    Atomics.wait(state, word, value, NAP)
  } catch {
    // not allowed here
  }
}

/** Threads that run machines beside the caller. They end when the crew is collected, or with the process. */
export class Crew {
  readonly #posts: readonly Post[]

  /** @throws GraphError `no-threads` where the engine has none, or no memory that threads share. */
  constructor(size: number) {
    const open = opener()
    const threads = Array.from({ length: size }, open)
    this.#posts = threads.map(thread => new Post(thread))
    dismissals.register(this, threads)
  }

  /** Gives every thread its machine. */
  assign(machines: readonly Machine[]): void {
    this.#posts.forEach((post, i) => {
      post.assign(machines[i]!)
    })
  }

  /** Asks every thread for a run. */
  ask(): void {
    for (const post of this.#posts) post.ask()
  }

  /** Returns when all are done. */
  meet(): void {
    for (const post of this.#posts) post.meet()
  }
}

const dismissals = new FinalizationRegistry<readonly Thread[]>(threads => {
  for (const thread of threads) void thread.terminate()
})

/** The parts of the surroundings that make threads: a browser's, or Node's. */
interface Surroundings {
  readonly SharedArrayBuffer?: unknown
  readonly Worker?: new (url: string) => Thread
  readonly Blob?: new (parts: readonly string[], options: { readonly type: string }) => unknown
  readonly URL?: { createObjectURL?(blob: unknown): string; revokeObjectURL(url: string): void }
  readonly process?: { getBuiltinModule?(name: string): unknown }
}

interface NodeThreads {
  readonly Worker: new (
    text: string,
    options: { readonly eval: true; readonly execArgv: readonly string[] },
  ) => Thread
}

/** How a thread is started here. */
function opener(): () => Thread {
  const here = globalThis as unknown as Surroundings
  if (here.SharedArrayBuffer === undefined)
    throw new GraphError(
      'no-threads',
      'compile',
      'this page has no memory that threads can share; that needs cross-origin isolation',
      "serve it with 'Cross-Origin-Opener-Policy: same-origin' and 'Cross-Origin-Embedder-Policy: require-corp', or compile with threads: 1",
    )
  const node = here.process?.getBuiltinModule?.('node:worker_threads') as NodeThreads | undefined
  if (node !== undefined) return () => nodeThread(node)
  if (here.Worker === undefined || here.Blob === undefined || here.URL?.createObjectURL === undefined)
    throw new GraphError(
      'no-threads',
      'compile',
      'this JavaScript engine has no workers',
      'compile with threads: 1',
    )
  return () => browserThread(here as Required<Surroundings>)
}

function nodeThread({ Worker }: NodeThreads): Thread {
  const thread = new Worker(workerText, { eval: true, execArgv: [] })
  thread.unref?.()
  return thread
}

function browserThread({ Worker, Blob, URL }: Required<Surroundings>): Thread {
  const url = URL.createObjectURL!(new Blob([workerText], { type: 'text/javascript' }))
  return new Worker(url)
}
