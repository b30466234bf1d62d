import { emptyFolder, run } from '../docs/run.js'
import { checks } from './checks.js'
import { installNode } from './install.js'

/** The oldest Node that is supported, in its last version, and those since that are or become long-term. */
const majors = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [20, 22, 24, 26]

/** Tries one Node; how many checks failed. */
async function tryNode(major: number): Promise<number> {
  const node = await installNode(major)
  const folder = emptyFolder(`node-${major}`)
  const { all: version } = await run(node, ['--version'], folder)
  console.log(`Node ${version.trim()}`)
  let failed = 0
  for (const [name, check] of Object.entries(checks)) {
    const start = performance.now()
    const complaint = await check(node, folder).then(
      () => '',
      (error: Error) => `\n${error.message}`,
    )
    if (complaint !== '') failed++
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    console.log(`  ${complaint === '' ? '✓' : '✗'} ${name} (${seconds} s)${complaint}`)
  }
  return failed
}

let failed = 0
for (const major of majors)
  failed += await tryNode(major).catch((error: Error) => {
    console.log(`Node ${major} could not be installed: ${error.message}`)
    return 1
  })
if (failed > 0) process.exitCode = 1
