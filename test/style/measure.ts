import { type Door, doors } from './exports.js'
import { functions, type Measured, quantile } from './functions.js'
import { lineCount, type Package, packageOf, type Source } from './source.js'

/** The most lines a file and a function may have. */
export const limits = { file: 500, function: 60 } as const

/** The size of one package's sources, in lines. */
interface Size {
  readonly package: string
  readonly files: number
  readonly lines: number
  readonly functions: number
  readonly median: number
  readonly p90: number
  readonly longest: Measured | undefined
}

/** What the house style looks at, as numbers and names. */
export interface Measures {
  readonly sizes: readonly Size[]
  readonly doors: readonly Door[]
  /** Files over the limit, with their number of lines. */
  readonly longFiles: readonly string[]
  /** Functions over the limit, with their place and number of lines. */
  readonly longFunctions: readonly string[]
}

/** Measures the sources of packages. */
export function measure(packages: readonly Package[], sources: readonly Source[]): Measures {
  return {
    sizes: packages.map(({ name }) =>
      size(
        name,
        sources.filter(({ path }) => packageOf(path) === name),
      ),
    ),
    doors: packages.flatMap(one => doors(one, sources)),
    longFiles: longFiles(sources),
    longFunctions: longFunctions(sources),
  }
}

/** Files over the limit, with their number of lines. */
export function longFiles(sources: readonly Source[]): string[] {
  return sources
    .map(source => ({ path: source.path, lines: lineCount(source) }))
    .filter(({ lines }) => lines > limits.file)
    .map(({ path, lines }) => `${path} has ${lines} lines`)
}

/** Functions over the limit, with their place and number of lines. */
export function longFunctions(sources: readonly Source[]): string[] {
  return sources
    .flatMap(functions)
    .filter(({ lines }) => lines > limits.function)
    .map(({ name, at, lines }) => `${name} (${at}) has ${lines} lines`)
}

function size(name: string, sources: readonly Source[]): Size {
  const measured = sources.flatMap(functions)
  const lines = measured.map(one => one.lines)
  return {
    package: name,
    files: sources.length,
    lines: sources.reduce((sum, source) => sum + lineCount(source), 0),
    functions: measured.length,
    median: quantile(lines, 0.5),
    p90: quantile(lines, 0.9),
    longest: measured.find(one => one.lines === Math.max(...lines)),
  }
}
