import { exitCodes, systemCode } from './failure.js'

/** Lets a reader that closes its end of the output, such as `head`, end the process without a word. */
export function quietPipe(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', error => {
      if (systemCode(error) !== 'EPIPE') throw error
      if (stream.listenerCount('error') === 1) process.exit(exitCodes.ok)
    })
}
