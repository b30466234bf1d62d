/** Sizes that exported functions such as `cell({...})` are called with to make a cell. */
export type Sizes = Readonly<Record<string, number>>

/** The sizes where none are given. */
export const usualSizes: Sizes = { inputs: 2, hidden: 3, outputs: 2, symbols: 5 }
