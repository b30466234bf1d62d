// Appends records to FILE, in a process whose files may not grow beyond a limit; prints what came of it as JSON.
import { readFileSync } from 'node:fs'
import { jsonl } from '@bptt/stream/node'
import { range } from 'rxjs'

const [file] = process.argv.slice(2)
const padding = 'x'.repeat(590)
let error
range(1, 9)
  .pipe(jsonl(file, i => ({ i, padding })))
  .subscribe({ error: ({ code, message }) => (error = { code, message }) })
const lines = readFileSync(file, 'utf8').split('\n')
console.log(
  JSON.stringify({ error, whole: lines.slice(0, -1).map(line => JSON.parse(line).i), rest: lines.at(-1) }),
)
