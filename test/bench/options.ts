import { parseArgs } from 'node:util'

/** The parts of the benchmark, in the order they run. */
export const sections = [
  'steps',
  'kernels',
  'compile',
  'length',
  'latency',
  'memory',
  'allocations',
  'stream',
  'threads',
  'build',
  'soak',
] as const

/** A part of the benchmark. */
export type Section = (typeof sections)[number]

/** Who is measured: this repository, jax-js, TensorFlow.js. */
const engineNames = ['ours', 'jax', 'tfjs'] as const

/** An engine by name. */
type EngineName = (typeof engineNames)[number]

/** The workloads by name. */
const workloadNames = ['W1', 'W2', 'W3', 'W4', 'W5', 'W6', 'W7'] as const

/** What one run of the benchmark does. */
export interface Options {
  readonly sections: readonly Section[]
  readonly engines: readonly EngineName[]
  readonly workloads: readonly string[]
  /** One finding per line on standard output instead of tables. */
  readonly json: boolean
  /** Try to switch fused multiply-add on where the engine hides it. */
  readonly fma: boolean
  /** Samples per engine and workload; by time where not given. */
  readonly repeats: number | undefined
  /** Seconds of samples per engine and workload. */
  readonly seconds: number
  /** Also what is skipped for being slow. */
  readonly slow: boolean
}

/** Reads the command line. @throws Error with a sentence that says what is allowed. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      fma: { type: 'boolean', default: false },
      slow: { type: 'boolean', default: false },
      soak: { type: 'boolean', default: false },
      all: { type: 'boolean', default: false },
      only: { type: 'string' },
      workload: { type: 'string' },
      sections: { type: 'string' },
      repeats: { type: 'string' },
      seconds: { type: 'string' },
    },
  })
  const chosen = values.all
    ? sections.filter(name => name !== 'soak')
    : list('sections', values.sections, sections)
  const named = values.sections !== undefined || values.all
  return {
    sections: values.soak ? [...(named ? chosen : []), 'soak'] : named ? chosen : ['steps'],
    engines: list('only', values.only, engineNames),
    workloads: list('workload', values.workload, workloadNames),
    json: values.json,
    fma: values.fma,
    slow: values.slow,
    repeats: values.repeats === undefined ? undefined : amount('repeats', values.repeats, 1),
    seconds: amount('seconds', values.seconds ?? '3', 0),
  }
}

/** A list of names with commas; all that are known, where nothing is given. */
function list<N extends string>(option: string, text: string | undefined, known: readonly N[]): readonly N[] {
  if (text === undefined) return known
  const names = text.split(',')
  const odd = names.find(name => !known.includes(name as N))
  if (odd !== undefined) throw new Error(`--${option}: no '${odd}'; there are ${known.join(', ')}`)
  return known.filter(name => names.includes(name))
}

function amount(option: string, text: string, least: number): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value) && value >= least) return value
  throw new Error(`--${option} is '${text}'; a number of at least ${least} is needed`)
}
