// Saves the snapshot in file NEXT as FILE, and is killed before its STEP-th step of the file system. LINKS=no: a disk without links.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const [file, next] = process.argv.slice(2)
const step = Number(process.argv[4])
let done = 0
const die = () => process.kill(process.pid, 'SIGKILL')

/** Counts a call; before the one it dies at, half of the bytes that it would write are written. */
function stepping(owner, name) {
  const own = owner[name]
  owner[name] = async function (...args) {
    if (++done === step) {
      if (name === 'writeFile') await own.call(this, args[0].subarray(0, args[0].length >> 1))
      die()
    }
    if (name === 'link' && process.env.LINKS === 'no')
      throw Object.assign(new Error('no links'), { code: 'EPERM' })
    const result = await own.apply(this, args)
    if (name === 'open') for (const part of ['writeFile', 'sync', 'close', 'chmod']) stepping(result, part)
    return result
  }
}

const { load, save } = await import('@bptt/stream/node')
const snapshot = await load(next)
for (const name of ['open', 'link', 'copyFile', 'rename', 'rm', 'stat', 'realpath', 'readdir'])
  stepping(fs.promises, name)
syncBuiltinESMExports()
await save(file, snapshot)
console.log(`${done} steps`)
