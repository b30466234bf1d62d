// The one entry of every npm script. It checks Node first, in syntax that old versions can read,
// and only then loads the rest.
import { readFileSync } from 'fs'
import { tooOld } from './version.mjs'

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const complaint = tooOld(process.versions.node, manifest.engines.node)

if (complaint) {
  console.error(complaint)
  process.exitCode = 1
} else {
  import('./jobs.mjs').then(jobs => jobs.run(process.argv[2], process.argv.slice(3)))
}
