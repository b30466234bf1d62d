import fc from 'fast-check'

/** One step of growing a program. Numbers are read modulo what there is to choose from, so that every code is a program. */
export interface Instruction {
  /** Which op. */
  readonly pick: number
  /** Operands, counted back from the latest value. */
  readonly a: number
  readonly b: number
  /** Everything else: settings, literals. */
  readonly c: number
  /** The body of a loop, for an instruction that is one. */
  readonly body?: readonly Instruction[]
}

/** Size and kind of the codes drawn. */
export interface CodeOptions {
  readonly size: number
  readonly scans: boolean
}

/** Lists of instructions, loops and loops in loops among them; shrinks to shorter lists of plainer instructions. */
export function arbitraryCode({ size, scans }: CodeOptions): fc.Arbitrary<readonly Instruction[]> {
  const simple = fc.record({ pick: fc.nat(4095), a: fc.nat(31), b: fc.nat(31), c: fc.nat(63) })
  if (!scans) return fc.array(simple, { maxLength: size })
  const looped = (body: fc.Arbitrary<Instruction>): fc.Arbitrary<Instruction> =>
    fc.record({
      pick: fc.constant(0),
      a: fc.nat(31),
      b: fc.nat(31),
      c: fc.nat(63),
      body: fc.array(body, { maxLength: 5 }),
    })
  const within = fc.oneof(
    { withCrossShrink: true },
    { arbitrary: simple, weight: 12 },
    { arbitrary: looped(simple), weight: 1 },
  )
  const step = fc.oneof(
    { withCrossShrink: true },
    { arbitrary: simple, weight: 8 },
    { arbitrary: looped(within), weight: 1 },
  )
  return fc.array(step, { maxLength: size })
}
