import { type Finding, table } from './table.js'

/** Where findings go: to standard output, as lines of JSON or as tables. */
export interface Reporter {
  /** Findings of one section, under a title. */
  readonly report: (section: string, title: string, findings: readonly Finding[]) => void
  /** What is going on, on standard error. */
  readonly progress: (text: string) => void
}

/** A reporter to the standard streams. */
export function reporter(json: boolean): Reporter {
  return {
    report: (section, title, findings) => {
      const lines = json
        ? findings.map(finding => JSON.stringify({ section, ...finding }))
        : ['', title, ...table(findings)]
      process.stdout.write(lines.map(line => `${line}\n`).join(''))
    },
    progress: text => process.stderr.write(`${text}\n`),
  }
}
