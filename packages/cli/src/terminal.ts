import type { WriteStream } from 'node:tty'
import { createLogUpdate } from 'log-update'
import pc from 'picocolors'

/** Functions that colour a text, or leave it as it is. */
export type Colours = ReturnType<typeof pc.createColors>

/** A line that is written over and over: in place on a terminal, now and then as a line of its own elsewhere. */
export interface LiveLine {
  /** Shows the line, unless one was shown a moment ago. */
  show(line: () => string, seconds: number): void
  /** Removes the line from a terminal. */
  clear(): void
}

/** Colours for a stream: on a terminal, and where NO_COLOR is not set. */
export function coloursFor(stream: { readonly isTTY?: boolean }): Colours {
  return pc.createColors(stream.isTTY === true && !process.env['NO_COLOR'])
}

/** True at most once in `every` seconds of the times it is asked about, first at `from` or after it. */
export function paced(every: number, from: number = 0): (seconds: number) => boolean {
  let next = from
  return seconds => {
    if (seconds < next) return false
    next = seconds + every
    return true
  }
}

/** A live line on `stream`: ten times a second on a terminal that has a size, a line every two seconds elsewhere. */
export function liveLineOn(stream: WriteStream): LiveLine {
  return stream.isTTY && stream.rows > 0 ? inPlace(stream) : lineByLine(stream)
}

/** Writes a line to standard output. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

function inPlace(stream: WriteStream): LiveLine {
  const update = createLogUpdate(stream, { showCursor: true })
  const due = paced(0.1)
  return {
    show(line, seconds): void {
      if (due(seconds)) update(line())
    },
    clear(): void {
      update.clear()
    },
  }
}

function lineByLine(stream: WriteStream): LiveLine {
  const due = paced(2, 2)
  return {
    show(line, seconds): void {
      if (due(seconds)) stream.write(`${line()}\n`)
    },
    clear(): void {},
  }
}
