import fc from 'fast-check'

/** Something that is put in a place, or taken out of it. */
export interface Change {
  readonly path: readonly string[]
  readonly to: unknown
}

/** Places in a value, as paths. */
export const places = (value: unknown): readonly (readonly string[])[] =>
  paths(value, []).filter(path => path.length > 0)

const paths = (value: unknown, path: readonly string[]): readonly (readonly string[])[] => [
  path,
  ...(typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([key, one]) => paths(one, [...path, key]))
    : []),
]

const odd: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, 'x', '', [], {}, [[]], -1, 0.5, 1e308, 2 ** 53, -0, 'x'.repeat(500)),
  fc.nat(20),
  fc.array(fc.constantFrom<unknown>(1, 'a', null), { maxLength: 6 }),
)

/** Changes at some places. */
export const change = (at: readonly (readonly string[])[]): fc.Arbitrary<Change> =>
  fc.record({ path: fc.constantFrom(...at), to: fc.option(odd, { nil: undefined }) })

/** A copy of a value with what stands at a place replaced, or taken out. */
export function changed(value: unknown, { path, to }: Change): unknown {
  const copy = structuredClone(value)
  const holder = path.slice(0, -1).reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], copy)
  if (typeof holder !== 'object' || holder === null) return copy
  const key = path.at(-1)!
  if (to === undefined) delete (holder as Record<string, unknown>)[key]
  else (holder as Record<string, unknown>)[key] = to
  return copy
}
