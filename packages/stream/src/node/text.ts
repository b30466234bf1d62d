import { GraphError } from '@bptt/graph'
import { invalidUtf8At } from '../utf8.js'
import { readBytes } from './files.js'
import { reason } from './reason.js'

/**
 * The text of a UTF-8 file, or of standard input when `path` is `-`. A byte order mark at the beginning is
 * left out.
 *
 * @throws GraphError `cannot-read` when the file cannot be read, `bad-text` when it is not UTF-8, naming
 *   the byte
 */
export async function readText(
  path: string,
  stdin: AsyncIterable<Uint8Array | string> = process.stdin,
): Promise<string> {
  if (path === '-') return decode(await collect(stdin), 'standard input')
  return decode(await readBytes(path), path)
}

async function collect(stream: AsyncIterable<Uint8Array | string>): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of stream) chunks.push(Buffer.from(chunk as Uint8Array))
  } catch (error) {
    throw new GraphError('cannot-read', 'standard input', `cannot be read: ${reason(error)}`)
  }
  return Buffer.concat(chunks)
}

/** The text of UTF-8 `bytes`; `where` names them in messages. Throws GraphError `bad-text`. */
function decode(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    const at = invalidUtf8At(bytes)
    const detail = at < 0 ? `cannot be one string: ${reason(error)}` : `byte ${at} is not UTF-8`
    throw new GraphError('bad-text', where, `${detail}; a text is read as UTF-8`, hintAt(at))
  }
}

function hintAt(at: number): string | undefined {
  return at < 0 ? undefined : 'is it a binary file, or text in another encoding?'
}
