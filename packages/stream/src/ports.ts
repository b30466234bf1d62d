import type { Elements, Graph, Program } from '@bptt/graph'
import type { Measures } from './finite.js'
import type { StepValues } from './update.js'

/** The scalars among them. */
type Scalars = Readonly<Record<'count' | 'loss' | 'gradientNorm' | 'peak', Elements>>

interface Port {
  /** Its name in the window. */
  readonly name: string
  readonly numbers: Elements
}

/** An axis whose length a window gives: that of one axis of one of its values. */
interface Length {
  readonly axis: string
  readonly of: string
  readonly at: number
  now: number
}

const WINDOW = 'window.'
const REPORTS = 'reports.'

/**
 * Where a training step's program has its window, and the scalars it makes: written and read in place, so that a step of a
 * window as long as the one before makes no trees and no copies.
 */
export class Ports {
  readonly #program: Program
  readonly #inputs: readonly string[]
  readonly #outputs: readonly string[]
  readonly #lengths: readonly Length[]
  #window: readonly Port[] = []
  #reports: readonly Port[] = []
  #scalars: Scalars | undefined

  constructor(program: Program, { inputs, outputs, shapes }: Graph) {
    this.#program = program
    this.#inputs = under(WINDOW, inputs)
    this.#outputs = under(REPORTS, outputs)
    const found = new Map<string, Length>()
    for (const { name, value } of inputs)
      shapes[value]!.forEach((axis, at) => {
        if (typeof axis === 'string' && name.startsWith(WINDOW))
          found.set(axis, { axis, of: name.slice(WINDOW.length), at, now: -1 })
      })
    this.#lengths = [...found.values()]
  }

  /** Writes a window; false where it does not fit, of which `run` of the program tells more. */
  write({ window, count }: StepValues): boolean {
    const scalars = this.#bound(window)
    for (const { name, numbers } of this.#window) {
      const data = window[name]?.data
      if (data?.length !== numbers.length) return false
      numbers.set(data)
    }
    scalars.count[0] = count
    return true
  }

  /** The scalars of the last step. */
  measures(): Measures {
    const { loss, gradientNorm, peak } = this.#scalars!
    const reports: Record<string, number> = {}
    for (const { name, numbers } of this.#reports) reports[name] = numbers[0]!
    return { loss: loss[0]!, gradientNorm: gradientNorm[0]!, peak: peak[0]!, reports }
  }

  /** Finds all places again where the window has other lengths than the last one. */
  #bound(window: StepValues['window']): Scalars {
    let same = this.#scalars !== undefined
    for (const length of this.#lengths) {
      const now = window[length.of]?.shape[length.at] ?? 0
      same &&= now === length.now
      length.now = now
    }
    if (same) return this.#scalars!
    this.#program.bind(Object.fromEntries(this.#lengths.map(({ axis, now }) => [axis, now])))
    const port = (prefix: string) => (name: string) => ({ name, numbers: this.#program.view(prefix + name) })
    this.#window = this.#inputs.map(port(WINDOW))
    this.#reports = this.#outputs.map(port(REPORTS))
    const at = (name: string): Elements => this.#program.view(name)
    this.#scalars = {
      count: at('count'),
      loss: at('loss'),
      gradientNorm: at('gradientNorm'),
      peak: at('peak'),
    }
    return this.#scalars
  }
}

/** The names that begin so, without their beginning. */
const under = (prefix: string, ports: Graph['inputs']): readonly string[] =>
  ports.filter(({ name }) => name.startsWith(prefix)).map(({ name }) => name.slice(prefix.length))
