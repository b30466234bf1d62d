import { spawn } from 'node:child_process'
import { root } from './paths.mjs'

const deaf = () => {}

/**
 * Runs a Node script, waits for it, and answers its exit code. Ctrl-C in a terminal reaches the child by
 * itself; any other signal sent to this process is handed on.
 */
export function node(args, options = {}) {
  return spawned(process.execPath, args, options)
}

/** The same for any command. `shell` is for the .cmd files of Windows. */
export function spawned(command, args, options = {}) {
  const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...options })
  const pass = signal => child.kill(signal)
  const onInterrupt = process.stdin.isTTY ? deaf : pass
  process.on('SIGINT', onInterrupt)
  process.on('SIGTERM', pass)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      process.off('SIGINT', onInterrupt)
      process.off('SIGTERM', pass)
      resolve(code ?? (signal === 'SIGINT' ? 130 : 143))
    })
  })
}
