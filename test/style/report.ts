import { limits, measure } from './measure.js'
import { packages, sources } from './source.js'

const { sizes, doors, longFiles, longFunctions } = measure(packages(), sources())

const rows = sizes.map(size => [
  size.package,
  ...[size.files, size.lines, size.functions, size.median, size.p90].map(String),
  size.longest ? `${size.longest.lines} ${size.longest.name} (${size.longest.at})` : '',
])
print([['package', 'files', 'lines', 'functions', 'median', 'p90', 'longest function'], ...rows])

console.log()
print([['door', 'names'], ...doors.map(({ door, names }) => [door, String(names?.length ?? 0)])])

list(`files over ${limits.file} lines`, longFiles)
list(`functions over ${limits.function} lines`, longFunctions)
if (longFiles.length + longFunctions.length > 0) process.exitCode = 1

function print(table: readonly (readonly string[])[]): void {
  const widths = table[0]!.map((_, column) => Math.max(...table.map(row => row[column]!.length)))
  for (const row of table)
    console.log(
      row
        .map((cell, column) => pad(cell, widths[column]!))
        .join('  ')
        .trimEnd(),
    )
}

/** Numbers to the right, words to the left. */
function pad(cell: string, width: number): string {
  return /^\d+$/.test(cell) ? cell.padStart(width) : cell.padEnd(width)
}

function list(title: string, lines: readonly string[]): void {
  console.log(`\n${title}: ${lines.length === 0 ? 'none' : ''}`.trimEnd())
  for (const line of lines) console.log(`  ${line}`)
}
