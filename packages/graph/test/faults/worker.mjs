import { argv } from 'node:process'
import { pathToFileURL } from 'node:url'
import { knownAnswers } from './known.mjs'

/** Runs the laws of one copy of the source until the first that does not hold; prints its name, or nothing. */
const source = pathToFileURL(`${argv[2]}/`)
const { opLaws, checkGraphLaws, graphLaws } = await import(new URL('laws/index.js', source))
const { ops } = await import(new URL('ops/all.js', source))

function broken() {
  for (const spec of ops) {
    const { findings } = opLaws(spec, { points: 1 })
    if (findings.length > 0) return `${findings[0].where}: ${findings[0].law}`
  }
  for (const [runs, gates] of [
    [120, 0],
    [60, 1],
  ]) {
    const laws = graphLaws.filter(law => gates === 0 || !law.analytic)
    const { findings } = checkGraphLaws({ runs, seed: 7, gates, laws, shrink: false })
    if (findings.length > 0) return `graphs: ${findings[0].law}`
  }
  return undefined
}

/** The first known answer that is wrong; one that throws is. */
async function wrongAnswer() {
  try {
    const [wrong] = await knownAnswers(source)
    return wrong
  } catch (error) {
    return `known answers: ${error.message}`
  }
}

console.log(broken() ?? (await wrongAnswer()) ?? '')
