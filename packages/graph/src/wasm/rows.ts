import { FAULT } from './arena.js'
import { bytesOf, Func } from './assembler.js'
import type { Target } from './fused.js'
import type { Rows } from './plan.js'
import { slotSize } from './view.js'

/**
 * Copies rows of a table out, adds rows into it, or sets a single 1 per row, by ids: parameters are the addresses of
 * table, ids and rows, the number of ids, and the number of ids that are rows. Another id is passed over and leaves a mark in the fault word.
 */
export function rowsKernel(rows: Rows, target: Target): Func {
  return new RowsKernel(rows, target).emit()
}

const [TABLE, IDS, ROWS, COUNT, LIMIT] = [0, 1, 2, 3, 4]
const codes = {
  f32: { truncate: 1, convert: 0xb3, equal: 0x5b, add: 0x92 },
  f64: { truncate: 3, convert: 0xb8, equal: 0x61, add: 0xa0 },
} as const

class RowsKernel {
  readonly #func = new Func(['i32', 'i32', 'i32', 'i32', 'i32'])
  readonly #direction: Rows['direction']
  readonly #type: Target['type']
  readonly #bytes: number
  /** Elements of a row. */
  readonly #width: number

  constructor({ direction, table }: Rows, { type }: Target) {
    this.#direction = direction
    this.#type = type
    this.#bytes = bytesOf(type)
    this.#width = direction === 'one' ? (table.shape.at(-1) as number) : slotSize(table.shape.slice(1))
    this.#func.name = `rows ${direction}`
  }

  emit(): Func {
    const func = this.#func
    const [counter, id] = [func.local('i32'), func.local('i32')]
    func.repeat(counter, { local: COUNT }, () => {
      this.#check(id)
      func.ifThen(
        () => {
          if (this.#direction === 'one') this.#mark(id)
          else this.#copy(id)
        },
        () => {
          func.i32(0).i32(1).store('i32', FAULT)
        },
      )
      func.advance(ROWS, this.#width * this.#bytes).advance(IDS, this.#bytes)
    })
    return func
  }

  /** Leaves on the stack whether the id is a whole number that is a row; NaN and negative ones give 0 and differ from it. */
  #check(id: number): void {
    const { truncate, convert, equal } = codes[this.#type]
    this.#func.get(IDS).load(this.#type).op(0xfc, truncate).set(id)
    this.#func.get(id).op(convert).get(IDS).load(this.#type).op(equal)
    this.#func.get(id).get(LIMIT).ltU().and()
  }

  /** Sets element `id` of the row to 1. */
  #mark(id: number): void {
    this.#func.get(ROWS).get(id).i32(this.#bytes).mul().add()
    this.#func.number(this.#type, 1).store(this.#type)
  }

  /** Copies a row from or adds it to row `id` of the table. */
  #copy(id: number): void {
    const func = this.#func
    const [at, row, column] = [func.local('i32'), func.local('i32'), func.local('i32')]
    const step = this.#width * this.#bytes
    func.get(TABLE).get(id).i32(step).mul().add().set(at)
    func.get(ROWS).set(row)
    const into = this.#direction === 'in'
    const [from, to] = into ? [row, at] : [at, row]
    func.repeat(column, this.#width, () => {
      func.get(to)
      if (into) func.get(to).load(this.#type)
      func.get(from).load(this.#type)
      if (into) func.op(codes[this.#type].add)
      func.store(this.#type).advance(at, this.#bytes).advance(row, this.#bytes)
    })
  }
}
