import { createServer, type IncomingMessage, type Server } from 'node:http'
import { Streams } from './streams.ts'

/** `POST /KEY` with `{"value": 21.5}` is answered with what was expected and what is expected next, as JSON. */
export function server(): Server {
  const streams = new Streams()
  return createServer(async (request, response) => {
    const say = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
    }
    if (request.method !== 'POST') return say(405, { error: 'POST /KEY with {"value": a number}' })
    const value = valueIn(await bodyOf(request))
    if (value === undefined)
      return say(400, { error: 'the body is {"value": a number}, in at most 1000 bytes' })
    say(200, streams.take(request.url!, value))
  })
}

/** The text of a request; nothing of one that is too long. */
async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text = text.length < 1000 ? text + chunk : text
  return text.length <= 1000 ? text : ''
}

function valueIn(text: string): number | undefined {
  try {
    const { value } = JSON.parse(text)
    return Number.isFinite(value) ? value : undefined
  } catch {
    return undefined
  }
}
