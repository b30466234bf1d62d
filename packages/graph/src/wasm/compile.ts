import { GraphError } from '../error.js'
import { isNested, type Values } from '../evaluate.js'
import { checkFinite } from '../finite.js'
import type { Graph } from '../graph.js'
import { compilable } from '../optimise.js'
import type { Nested, Tensor } from '../tensor.js'
import { valueText } from '../text/values.js'
import { quoted } from '../text/words.js'
import { leaves } from '../tree.js'
import { dynamicAxes } from './axes.js'
import { Compiled } from './compiled.js'
import { supported } from './probe.js'
import type { CompileOptions, Program } from './program.js'
import { batchAxis, Threaded } from './threads/threaded.js'
import { wholeLengths } from './threads/whole.js'

/**
 * Compiles a graph to WebAssembly SIMD.
 *
 * One program serves every length of the axes that loops run along: memory grows when a longer one comes. Other named axes
 * are compiled in, once per length met.
 *
 * @throws GraphError `no-simd` where the engine has no WebAssembly SIMD; `bad-setting`, `bad-threads`; later, when it runs, what `evaluate` throws of its inputs.
 */
export function compile<In, Out>(graph: Graph<In, Out>, options: CompileOptions = {}): Program<Out> {
  const missing = supported()
  if (missing !== undefined) throw new GraphError('no-simd', 'compile', missing)
  const { dtype = 'float32', flavour = 'fast' } = options
  checkChoice('dtype', dtype, ['float32', 'float64'])
  checkChoice('flavour', flavour, ['fast', 'portable'])
  const made = compiled<Out>(graph, options)
  return {
    run: (values, how) => made.run(values, how),
    commit: () => made.commit(),
    read: input => made.read(input),
    next: input => made.next(input),
    bind: lengths => made.bind(lengths),
    view: name => made.view(name),
    step: how => made.step(how),
    plan: () => made.plan(),
    describe: lengths => made.describe(lengths),
    checkFinite: values => checkFinite(graph, allValues(graph, made, values), { dtype }),
    profile: () => made.profile(),
    size: () => made.size(),
  }
}

/** These values, and for the other inputs what lies in the program. */
function allValues(graph: Graph, program: Pick<Program, 'read'>, values: Values = {}): Values {
  const given = new Map<string, Nested | Tensor>(leaves(values, isNested, 'checkFinite'))
  for (const { name } of graph.inputs) if (!given.has(name)) given.set(name, program.read(name))
  return Object.fromEntries(given)
}

/** The program, in one thread or several. */
function compiled<Out>(graph: Graph, options: CompileOptions): Omit<Program<Out>, 'checkFinite'> {
  const { threads = 1 } = options
  checkThreads(threads)
  if (threads === 1) return new Compiled<Out>(compilable(graph), options)
  const axis = batchAxis(graph, dynamicAxes(graph), options.batch)
  return new Threaded<Out>(compilable(wholeLengths(graph, axis)), options, axis, threads)
}

function checkChoice(name: string, value: unknown, choices: readonly string[]): void {
  if (choices.includes(value as string)) return
  const known = choices.map(quoted).join(' or ')
  throw new GraphError('bad-setting', 'compile', `${name} is ${valueText(value, String)}; it is ${known}`)
}

function checkThreads(threads: number): void {
  if (Number.isInteger(threads) && threads >= 1 && threads <= MOST_THREADS) return
  throw new GraphError(
    'bad-threads',
    'compile',
    `threads is ${threads}; it is a whole number from 1 to ${MOST_THREADS}`,
    'take as many as there are idle cores',
  )
}

/** More than any batch gains from. */
const MOST_THREADS = 64
