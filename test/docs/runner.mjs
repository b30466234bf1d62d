// Runs programs one after the other, each until it has nothing left to do: in one process, so that what they import loads once.
// `node runner.mjs '[[folder, file], …]'`. After each, standard output has `\0exit code\0` and standard error `\0`.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const programs = JSON.parse(process.argv[2])
let at = -1
let code = 0

function fail(error) {
  console.error(error)
  code = 1
}

function next() {
  if (at >= 0) {
    process.stdout.write(`\0${code}\0`)
    process.stderr.write('\0')
  }
  code = 0
  at++
  if (at === programs.length) return
  const [folder, file] = programs[at]
  process.chdir(folder)
  import(pathToFileURL(join(folder, file)).href).catch(fail)
}

process.on('uncaughtException', fail)
process.on('beforeExit', () => at < programs.length && next())
