import { argv } from 'node:process'
import { pathToFileURL } from 'node:url'
import { known } from './known.mjs'

/** Asks one copy of the source what is known, all or what has a text in its name, until the first that is wrong; prints its name, or nothing. */
const [, , folder, law = ''] = argv
const source = pathToFileURL(`${folder}/`)
const stream = await import(new URL('index.js', source))
const node = await import(new URL('node/index.js', source))

async function broken() {
  for (const [name, holds] of Object.entries(known)) {
    if (!name.includes(law)) continue
    const held = await Promise.resolve()
      .then(() => holds(stream, node))
      .catch(() => false)
    if (!held) return name
  }
  return ''
}

console.log(await broken())
