/**
 * Ctrl-C in a terminal reaches every process of the foreground, and npm hands it to us once more. Drops a SIGINT
 * that follows another within 300 ms, so that a program which takes a second Ctrl-C as "stop at once" gets one.
 * Call it before the program listens.
 *
 * @param {import('node:events').EventEmitter} target
 */
export function dropEchoes(target = process, now = Date.now) {
  const emit = target.emit
  let last = Number.NEGATIVE_INFINITY
  target.emit = (event, ...rest) => {
    if (event !== 'SIGINT') return emit.call(target, event, ...rest)
    const echo = now() - last < 300
    if (!echo) last = now()
    return echo || emit.call(target, event, ...rest)
  }
}
