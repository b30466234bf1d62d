/**
 * Every error the packages throw on purpose.
 *
 * The message reads `where: what is wrong; the rule`, then a line `hint: the usual fix`.
 * `code` is stable and meant for programs.
 */
export class GraphError extends Error {
  override readonly name: string = 'GraphError'
  readonly code: string
  readonly where: string
  readonly detail: string
  readonly hint: string | undefined

  constructor(code: string, where: string, detail: string, hint?: string) {
    super(`${where}: ${detail}${hint === undefined ? '' : `\nhint: ${hint}`}`)
    this.code = code
    this.where = where
    this.detail = detail
    this.hint = hint
  }
}
