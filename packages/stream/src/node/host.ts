// What runs in a worker thread.

import { parentPort } from 'node:worker_threads'
import { serve } from '../worker/serve.js'

const port = parentPort!
serve({
  send: (message, transfer = []) => port.postMessage(message, [...transfer]),
  listen: heard => void port.on('message', message => heard(message as never)),
  close: () => port.close(),
})
