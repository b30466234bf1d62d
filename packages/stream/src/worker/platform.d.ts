/** The part of every platform used here that is not of the language: this package loads neither DOM nor Node types. */
declare class URL {
  constructor(url: string, base?: string)
  readonly href: string
}

interface ImportMeta {
  readonly url: string
}
