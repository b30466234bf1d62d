import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { stampFile } from './paths.mjs'

/** Hash of the contents of files: changes when what they say changes. */
export function contents(files) {
  return digest(files.map(file => `${file}\n${readFileSync(file, 'utf8')}`))
}

/** Hash of names, sizes and times of files: cheap, for many files. */
export function times(files) {
  return digest(files.map(file => `${file} ${statSync(file).size} ${statSync(file).mtimeMs}`))
}

export function stamped(name, value) {
  try {
    return readFileSync(stampFile(name), 'utf8') === value
  } catch {
    return false
  }
}

export function stamp(name, value) {
  mkdirSync(dirname(stampFile(name)), { recursive: true })
  writeFileSync(stampFile(name), value)
}

function digest(parts) {
  return createHash('sha256').update(parts.join('\0')).digest('hex')
}
