/** Settings of one application of an op: plain data, graphs included. */
export type Attrs = Readonly<Record<string, unknown>>
