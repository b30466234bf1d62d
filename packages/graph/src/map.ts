import { broadcastSteps } from './linear.js'
import { filled, type Tensor } from './tensor.js'

/** A function of one number of each input; the settings of the application are its last argument. */
export type Elementwise = (...args: unknown[]) => number

/** `f` at every element of inputs that broadcast to `shape`. */
export function mapElements(
  f: Elementwise,
  inputs: readonly Tensor[],
  shape: readonly number[],
  attrs: unknown,
): Tensor {
  const out = filled(shape, 0)
  const y = out.data
  const [a, b] = inputs
  if (inputs.length === 1) mapOne(f, a!.data, y, attrs)
  else if (inputs.length === 2 && isFlat(a!, y) && isFlat(b!, y)) {
    const steps = [a!.data.length === y.length ? 1 : 0, b!.data.length === y.length ? 1 : 0]
    mapTwo({ f, data: [a!.data, b!.data], attrs, y, count: y.length, steps }, [0, 0], 0)
  } else mapRows(f, inputs, out, attrs)
  return out
}

/** True for an input that is read in one stride: as long as the result, or a single number. */
const isFlat = ({ data }: Tensor, y: Float64Array): boolean => data.length === y.length || data.length === 1

/** One innermost loop: `count` elements of `y`, each input read at its own stride. */
interface Row {
  readonly f: Elementwise
  readonly data: readonly Float64Array[]
  readonly attrs: unknown
  readonly y: Float64Array
  readonly count: number
  readonly steps: readonly number[]
}

type RowLoop = (row: Row, from: readonly number[], start: number) => void

function mapOne(f: Elementwise, x: Float64Array, y: Float64Array, attrs: unknown): void {
  for (let i = 0; i < y.length; i++) y[i] = f(x[i], attrs)
}

function mapTwo({ f, data, attrs, y, count, steps }: Row, from: readonly number[], start: number): void {
  const [a, b] = data as [Float64Array, Float64Array]
  const [da, db] = steps as [number, number]
  let [p, q] = from as [number, number]
  for (let i = start; i < start + count; i++, p += da, q += db) y[i] = f(a[p], b[q], attrs)
}

function mapThree({ f, data, attrs, y, count, steps }: Row, from: readonly number[], start: number): void {
  const [a, b, c] = data as [Float64Array, Float64Array, Float64Array]
  const [da, db, dc] = steps as [number, number, number]
  let [p, q, r] = from as [number, number, number]
  for (let i = start; i < start + count; i++, p += da, q += db, r += dc) y[i] = f(a[p], b[q], c[r], attrs)
}

function mapMany({ f, data, attrs, y, count, steps }: Row, from: readonly number[], start: number): void {
  const args: unknown[] = [...data.map(() => 0), attrs]
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < data.length; k++) args[k] = data[k]![from[k]! + i * steps[k]!]
    y[start + i] = f.apply(undefined, args)
  }
}

/** The axes from outermost to innermost, neighbours merged where every input runs through both in one stride. */
interface Walk {
  readonly lengths: readonly number[]
  /** Per input: its stride along every axis. */
  readonly steps: readonly (readonly number[])[]
}

function merged(shape: readonly number[], inputs: readonly Tensor[]): Walk {
  const steps = inputs.map(input => broadcastSteps(input.shape, shape))
  const kept: { length: number; steps: number[] }[] = []
  shape.forEach((length, axis) => {
    if (length === 1) return
    const inner = steps.map(step => step[axis]!)
    const last = kept[kept.length - 1]
    if (last?.steps.every((step, k) => step === inner[k]! * length)) {
      last.length *= length
      last.steps = inner
    } else kept.push({ length, steps: inner })
  })
  if (kept.length === 0) kept.push({ length: 1, steps: inputs.map(() => 0) })
  return {
    lengths: kept.map(axis => axis.length),
    steps: inputs.map((_, k) => kept.map(axis => axis.steps[k]!)),
  }
}

/** A loop over the innermost merged axis for every position of the outer ones. */
function mapRows(f: Elementwise, inputs: readonly Tensor[], out: Tensor, attrs: unknown): void {
  const { lengths, steps } = merged(out.shape, inputs)
  const inner = lengths.length - 1
  const row: Row = {
    f,
    data: inputs.map(input => input.data),
    attrs,
    y: out.data,
    count: lengths[inner]!,
    steps: steps.map(step => step[inner]!),
  }
  const loop: RowLoop = inputs.length === 2 ? mapTwo : inputs.length === 3 ? mapThree : mapMany
  const from = inputs.map(() => 0)
  const at = lengths.map(() => 0)
  for (let start = 0; start < out.data.length; start += row.count) {
    loop(row, from, start)
    for (let axis = inner - 1; axis >= 0; axis--) {
      const wraps = ++at[axis]! === lengths[axis]!
      for (let k = 0; k < from.length; k++) from[k]! += steps[k]![axis]! * (wraps ? 1 - lengths[axis]! : 1)
      if (!wraps) break
      at[axis] = 0
    }
  }
}
