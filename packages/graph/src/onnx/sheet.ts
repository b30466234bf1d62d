import type { Field } from '../bytes/protobuf.js'
import { GraphError } from '../error.js'
import type { Dim, Shape } from '../shape.js'
import type { Tensor } from '../tensor.js'
import { type Attribute, type Edge, graphMessage, initialiser, node, whole } from './message.js'

/** Where the length of a named axis is read: an axis of an input of the model. */
export interface Place {
  readonly input: string
  readonly axis: number
}

/**
 * An ONNX graph that grows by appending nodes; values are known by their names, which are unique in a model.
 *
 * The body of a loop is a sheet inside another, whose values it may read; constants and lengths of axes all stand
 * in the outermost one.
 */
export class Sheet {
  readonly #root: Sheet
  readonly #nodes: Field[] = []
  readonly #initialisers: Field[] = []
  readonly #taken = new Map<string, number>()
  /** Names of constants and of shapes, by what they hold. */
  readonly #known = new Map<string, string>()
  readonly #places: ReadonlyMap<string, Place>

  /** A model's graph, given where the lengths of its named axes are read; or, `within` one, the body of a loop. */
  constructor(places: ReadonlyMap<string, Place>, within?: Sheet) {
    this.#places = places
    this.#root = within === undefined ? this : within.#root
  }

  /** A sheet for the body of a loop. */
  body(): Sheet {
    return new Sheet(this.#places, this)
  }

  /** A name that no value of the model has yet: this one, or with a number behind it. */
  name(wanted: string): string {
    const taken = this.#root.#taken
    let name = wanted
    while (taken.has(name)) {
      const count = taken.get(wanted)! + 1
      taken.set(wanted, count)
      name = `${wanted}_${count}`
    }
    taken.set(name, 0)
    return name
  }

  /** Appends a node; the name of its one output. */
  node(type: string, inputs: readonly string[], attributes: readonly Attribute[] = []): string {
    return this.nodes(type, inputs, attributes, 1)[0]!
  }

  /** Appends a node; the names of its outputs. */
  nodes(
    type: string,
    inputs: readonly string[],
    attributes: readonly Attribute[],
    count: number,
  ): readonly string[] {
    const outputs = Array.from({ length: count }, () => this.name(type))
    this.#nodes.push(node(type, inputs, outputs, attributes))
    return outputs
  }

  /** Gives a value a further name, that of an output. */
  output(value: string, name: string): void {
    this.#nodes.push(node('Identity', [value], [name], []))
  }

  /** A tensor fixed in the model, under a name that is free; its numbers are rounded to float32. */
  fix(name: string, { shape, data }: Tensor): string {
    this.#root.#initialisers.push(initialiser(name, shape, rounded(name, data)))
    return name
  }

  /** A constant tensor. */
  constant(value: Tensor): string {
    return value.shape.length === 0 ? this.number(value.data[0]!) : this.fix(this.name('constant'), value)
  }

  /** A scalar constant. */
  number(value: number): string {
    const shown = Object.is(value, -0) ? '-0' : String(value)
    return this.#once(`number ${shown}`, () =>
      this.fix(this.name('number'), { shape: [], data: Float64Array.of(value) }),
    )
  }

  /** Whole numbers in a row, int64 [n]: axes, sizes, places. */
  wholes(values: readonly number[]): string {
    return this.#once(`wholes ${values.join()}`, () => {
      const name = this.name('wholes')
      this.#root.#initialisers.push(initialiser(name, [values.length], BigInt64Array.from(values, BigInt)))
      return name
    })
  }

  /** A shape as int64 [rank], with the lengths that named axes have when the model runs. */
  shape(shape: Shape): string {
    if (shape.every(dim => typeof dim === 'number')) return this.wholes(shape)
    const root = this.#root
    return this.#once(`shape ${shape.join()}`, () => {
      const lengths = shape.map(dim => root.#length(dim))
      return lengths.length === 1 ? lengths[0]! : root.node('Concat', lengths, [whole('axis', 0)])
    })
  }

  #length(dim: Dim): string {
    if (typeof dim === 'number') return this.wholes([dim])
    const place = this.#places.get(dim)
    if (place === undefined)
      throw new GraphError(
        'unbound-axis',
        'toOnnx',
        `axis '${dim}' has no length; it is an axis of no input of the model`,
        'use the axis in the shape of an input',
      )
    const { input, axis } = place
    return this.#once(`axis ${dim}`, () =>
      this.node('Shape', [input], [whole('start', axis), whole('end', axis + 1)]),
    )
  }

  #once(key: string, make: () => string): string {
    const known = this.#root.#known
    const name = known.get(key) ?? make()
    known.set(key, name)
    return name
  }

  /** The GraphProto. */
  message(name: string, inputs: readonly Edge[], outputs: readonly Edge[]): readonly Field[] {
    return graphMessage({ name, inputs, outputs, nodes: this.#nodes, initialisers: this.#initialisers })
  }
}

function rounded(name: string, data: Float64Array): Float32Array {
  const out = Float32Array.from(data)
  const lost = data.findIndex((value, i) => Number.isFinite(value) && !Number.isFinite(out[i]))
  if (lost < 0) return out
  throw new GraphError(
    'onnx-range',
    `'${name}'`,
    `has ${data[lost]} at index ${lost}; the numbers of the model are float32, which ends at ±3.4028234663852886e38`,
  )
}
