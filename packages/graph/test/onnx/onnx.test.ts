import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { elementwise, op } from '../../src/declare.js'
import {
  add,
  dropout,
  type Graph,
  graph,
  linear,
  mul,
  type Ref,
  scan,
  sum,
  tanh,
  type Values,
  valueAndGradient,
} from '../../src/index.js'
import { arbitraryProgram } from '../../src/laws/index.js'
import { toOnnx } from '../../src/onnx/index.js'
import { ops as builtIn } from '../../src/ops/all.js'
import { message } from '../message.js'
import { faultsOf, type OnnxGraph, read } from './reader.js'

/** h' = tanh(W x + h), for every step of every example. */
const recurrent = graph({ W: [2, 3], h: ['B', 2], xs: ['T', 'B', 3] }, ({ W, h, xs }) => {
  const [last, hs] = scan(
    (carry: Ref, x: Ref) => {
      const next = tanh(add(linear(x, W), carry))
      return [next, next]
    },
    { carry: h, xs },
  )
  return { h: last as Ref, hs: hs as Ref }
}) as Graph

const types = (one: OnnxGraph): string[] => one.nodes.map(({ type }) => type)

describe('an exported model', () => {
  test('is, byte by byte, what onnx.proto3 says', () => {
    const square = graph({ x: [2] }, ({ x }) => ({ y: mul(x, x) }))
    const bytes = [
      '08 08', // 1 ir_version: 8
      '12 04 62707474', // 2 producer_name: bptt
      '3a 57', // 7 graph, 87 bytes
      '0a 15', // 1 node, 21 bytes
      '0a 01 78', // 1 input: x
      '0a 01 78', // 1 input: x
      '12 03 4d756c', // 2 output: Mul
      '1a 03 4d756c', // 3 name: Mul
      '22 03 4d756c', // 4 op_type: Mul
      '0a 15', // 1 node
      '0a 03 4d756c', // 1 input: Mul
      '12 01 79', // 2 output: y
      '1a 01 79', // 3 name: y
      '22 08 4964656e74697479', // 4 op_type: Identity
      '12 05 6772617068', // 2 name: graph
      '5a 0f', // 11 input
      '0a 01 78', // 1 name: x
      '12 0a 0a 08 08 01 12 04 0a 02 08 02', // 2 type: tensor_type { elem_type: FLOAT, shape { dim { dim_value: 2 } } }
      '62 0f', // 12 output
      '0a 01 79', // 1 name: y
      '12 0a 0a 08 08 01 12 04 0a 02 08 02',
      '42 02 10 11', // 8 opset_import { version: 17 }
    ]
    expect(Buffer.from(toOnnx(square)).toString('hex')).toBe(bytes.join('').replaceAll(' ', ''))
  })

  test('has the names and shapes of the graph, named axes as symbols, and what it is told of the model', () => {
    const bytes = toOnnx(recurrent, {
      name: 'net',
      description: 'a net',
      metadata: { alphabet: 'aé', more: '' },
    })
    const { graph: made, ...rest } = read(bytes)
    expect(rest).toEqual({
      irVersion: 8,
      opset: 17,
      producer: 'bptt',
      description: 'a net',
      metadata: { alphabet: 'aé', more: '' },
    })
    expect(made.name).toBe('net')
    expect(made.inputs).toEqual([
      { name: 'W', shape: [2, 3] },
      { name: 'h', shape: ['B', 2] },
      { name: 'xs', shape: ['T', 'B', 3] },
    ])
    expect(made.outputs).toEqual([
      { name: 'h_out', shape: ['B', 2] }, // h is the name of an input
      { name: 'hs', shape: ['T', 'B', 2] },
    ])
  })

  test('holds given values as initialisers in float32, under their names', () => {
    const W = [
      [0.1, 2, 3],
      [4, 5, 6],
    ]
    const { inputs, initialisers } = read(toOnnx(recurrent, { values: { W } })).graph
    expect(inputs.map(({ name }) => name)).toEqual(['h', 'xs'])
    expect(initialisers.find(({ name }) => name === 'W')).toEqual({
      name: 'W',
      dims: [2, 3],
      data: [Math.fround(0.1), 2, 3, 4, 5, 6],
    })
  })

  test('runs a scan as Scan, with products that the carry does not reach before it', () => {
    const { nodes } = read(toOnnx(recurrent)).graph
    expect(nodes.map(({ type }) => type)).toEqual(['Einsum', 'Scan', 'Identity', 'Identity'])
    const loop = nodes[1]!
    expect(loop.attributes).toMatchObject({
      num_scan_inputs: 1,
      scan_input_directions: [0],
      scan_output_directions: [0],
    })
    const body = loop.attributes['body'] as OnnxGraph
    expect(types(body)).toEqual(['Add', 'Tanh', 'Identity', 'Identity'])
    expect(body.inputs.map(({ shape }) => shape)).toEqual([
      ['B', 2],
      ['B', 2],
    ])
  })

  test('runs the derivative of a scan backwards', () => {
    const loss = graph({ W: [2, 3], h: ['B', 2], xs: ['T', 'B', 3] }, ({ W, h, xs }) => {
      const [, hs] = scan(
        (carry: Ref, x: Ref) => {
          const next = tanh(add(linear(x, W), carry))
          return [next, next]
        },
        { carry: h, xs },
      )
      return { loss: sum(hs as Ref) }
    })
    const made = read(toOnnx(valueAndGradient(loss as Graph, { of: 'loss', by: ['W'] }) as Graph)).graph
    const directions = made.nodes
      .filter(({ type }) => type === 'Scan')
      .map(({ attributes }) => attributes['scan_input_directions'])
    expect(directions[0]).toContain(0)
    expect(new Set(directions[1] as number[])).toEqual(new Set([1]))
    expect(made.outputs.map(({ name }) => name)).toEqual(['loss', 'gradient.W'])
  })

  test('counts the steps of a scan that reads no sequence', () => {
    const counted = graph({ x: [2] }, ({ x }) => {
      const [last] = scan((carry: Ref) => [mul(carry, 2), {}], { carry: x, length: 5 })
      return { y: last as Ref }
    })
    const made = read(toOnnx(counted as Graph)).graph
    const loop = made.nodes.find(({ type }) => type === 'Scan')!
    expect(loop.attributes).toMatchObject({ num_scan_inputs: 1, scan_output_directions: [] })
    expect(made.initialisers.find(({ data }) => data.includes(5))).toMatchObject({ dims: [1], data: [5] })
    expect(faultsOf(made)).toEqual([])
  })

  test('gives every name once, before it is read, whatever the program', () => {
    const ops = builtIn.filter(({ name }) => name !== 'uniform')
    fc.assert(
      fc.property(arbitraryProgram({ ops, size: 12, gates: 0.3 }), ({ graph: program }) => {
        const { graph: made } = read(toOnnx(program))
        expect(faultsOf(made)).toEqual([])
        expect(made.outputs.map(({ shape }) => shape)).toEqual(
          program.outputs.map(({ value }) => program.shapes[value]),
        )
      }),
      { numRuns: 100 },
    )
  })
})

describe('an op', () => {
  const one = (build: (x: Ref) => Ref): OnnxGraph =>
    read(toOnnx(graph({ x: ['B', 3] }, ({ x }) => ({ y: build(x) })) as Graph)).graph

  test("of one's own is exported by its lanes, in the shape it has here", () => {
    const twice = elementwise({
      name: 'twice',
      lanes: (e, x) => e.mulAdd(x, e.constant(2), e.constant(0)),
      inputs: ['x'],
      saves: [],
      f: (x: number) => 2 * x,
      partials: { x: () => 2 },
    })
    const first = elementwise({
      name: 'first',
      lanes: (_e, a) => a,
      inputs: ['a', 'b'],
      saves: [],
      f: (a: number) => a,
      partials: { a: () => 1 },
    })
    expect(types(one(x => twice(x)))).toEqual(['Mul', 'Add', 'Identity'])
    expect(types(one(x => first(sum(x), x)))).toEqual([
      'ReduceSum',
      'Reshape',
      'Shape',
      'Concat',
      'Expand',
      'Identity',
    ])
  })

  test("of one's own is exported in the ops that it is lowered to", () => {
    const lowered = op({
      name: 'cube',
      lower: ([x]) => mul(x!, mul(x!, x!)),
      inputs: ['x'],
      saves: [],
      shape: ([x]) => x!,
      forward: ([x]) => ({ shape: x!.shape, data: x!.data.map(value => value ** 3) }),
      jvp: {},
      vjp: {},
    })
    expect(types(one(x => lowered(x)))).toEqual(['Mul', 'Mul', 'Identity'])
  })

  test('without a form in ONNX is refused by its name', () => {
    expect(message(() => one(x => dropout(x, { rate: 0.5, key: 1 })))).toMatchInlineSnapshot(`
      "onnx-op | uniform: has no form in ONNX; a model is made of ops that have one
      hint: export a model as it is evaluated, without random draws; give an op of your own \`lanes\`, or \`lower\` in other ops"
    `)
  })
})

describe('what cannot be exported', () => {
  const refused = (values: Values): string => message(() => toOnnx(recurrent, { values }))

  test('is a value that is no input, or has another shape', () => {
    expect(refused({ V: 1 })).toMatchInlineSnapshot(`
      "extra-input | input 'V': is not an input; inputs are W, h, xs
      hint: did you mean W?"
    `)
    expect(refused({ W: [[1, 2]] })).toMatchInlineSnapshot(`
      "shape | input 'W': has the shape [1, 2]; the graph declares [2, 3]
      hint: where lengths differ from run to run, declare a named axis: ['T', 3]"
    `)
    expect(
      refused({
        h: [[1, 2]],
        xs: [
          [
            [1, 2, 3],
            [1, 2, 3],
          ],
        ],
      }),
    ).toMatchInlineSnapshot(`
      "shape | input 'xs': makes axis 'B' 2 long; an earlier input made it 1
      hint: a name stands for one length in a run: give axes that differ different names"
    `)
  })

  test('is a number that float32 does not hold; infinities it does', () => {
    const W = (last: number) => [
      [1, 2, last],
      [0, 0, 0],
    ]
    expect(refused({ W: W(-1e39) })).toMatchInlineSnapshot(
      `"onnx-range | 'W': has -1e+39 at index 2; the numbers of the model are float32, which ends at ±3.4028234663852886e38"`,
    )
    expect(refused({ W: W(Number.POSITIVE_INFINITY) })).toBe('nothing was thrown')
  })
})
