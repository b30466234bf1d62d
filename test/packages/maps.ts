import { SourceMap } from 'node:module'
import { posix } from 'node:path'
import { type Packed, textOf } from './pack.js'

/** The exports of a script whose map does not lead to the line of the source that declares them. */
export function astray(pack: Packed, file: string, text: string): readonly string[] {
  const made = JSON.parse(textOf(pack, `${file}.map`)) as ConstructorParameters<typeof SourceMap>[0]
  const map = new SourceMap(made)
  return text.split('\n').flatMap((line, at) => {
    const name = /^export (?:async )?(?:function\*?|class|const) (\w+)/.exec(line)?.[1]
    if (name === undefined) return []
    const entry = map.findEntry(at, 0)
    const source = 'originalSource' in entry ? posix.join(posix.dirname(file), entry.originalSource) : ''
    const lines = source === '' ? [] : textOf(pack, source).split('\n')
    const there = 'originalLine' in entry && lines[entry.originalLine]?.includes(name)
    return there ? [] : [`${file}: ${name}`]
  })
}
