import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Builder } from '../../src/builder.js'
import { elementwise, op } from '../../src/declare.js'
import {
  add,
  dropout,
  type Graph,
  graph,
  linear,
  mul,
  type Ref,
  reshape,
  scan,
  showShape,
  sin,
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
import { show } from './text.js'

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
    expect(show(read(toOnnx(recurrent)).graph)).toMatchInlineSnapshot(`
      "Einsum = Einsum(xs, W; equation taI,HI->taH)
      Scan, Scan_1 = Scan(h, Einsum; num_scan_inputs 1; scan_input_directions [0]; scan_output_directions [0])
        (carry. [B, 2], x.3 [B, 2]) → (result [B, 2], result_1 [B, 2])
        Add = Add(x.3, carry.)
        Tanh = Tanh(Add)
        result = Identity(Tanh)
        result_1 = Identity(Tanh)
      h_out = Identity(Scan)
      hs = Identity(Scan_1)"
    `)
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

  test('reads the lengths of named axes where it runs, once each, and what is outside of a loop by name', () => {
    const made = graph({ w: [2], x: ['B', 2], z: ['N'] }, ({ w, x, z }) => {
      const [y] = scan((h: Ref, t: Ref) => [tanh(add(mul(h, w), t)), {}], { carry: x, xs: z })
      const rows = reshape(y as Ref, { shape: ['B', 1, 2] }) // one length is not known: −1
      const all = mul(rows, reshape(z, { shape: ['N', 1] }))
      return { all, turned: reshape(all, { shape: ['N', 'B', 2] }) }
    })
    expect(show(read(toOnnx(made as Graph)).graph)).toMatchInlineSnapshot(`
      "Scan = Scan(x, z; num_scan_inputs 1; scan_input_directions [0]; scan_output_directions [])
        (carry. [B, 2], x.1 []) → (result [B, 2])
        Mul = Mul(carry., w)
        Add = Add(Mul, x.1)
        Tanh = Tanh(Add)
        result = Identity(Tanh)
      Reshape = Reshape(Scan, [-1, 1, 2])
      Reshape_1 = Reshape(z, [-1, 1])
      Mul_1 = Mul(Reshape, Reshape_1)
      Shape = Shape(z; start 0; end 1)
      Shape_1 = Shape(x; start 0; end 1)
      Concat = Concat(Shape, Shape_1, [2]; axis 0)
      Reshape_2 = Reshape(Mul_1, Concat)
      all = Identity(Mul_1)
      turned = Identity(Reshape_2)"
    `)
  })

  test('keeps clear of the names of inputs and outputs', () => {
    const made = graph({ Mul: [2], Mul_1: [2], number: [2] }, ({ Mul, Mul_1, number }) => ({
      Mul_2: mul(mul(Mul, Mul_1), add(number, 3)),
    }))
    const { graph: written } = read(toOnnx(made as Graph))
    expect(faultsOf(written)).toEqual([])
    expect(written.outputs).toEqual([{ name: 'Mul_2', shape: [2] }])
  })

  test('shares equal constants, and tells −0 from 0', () => {
    const made = graph({ x: [2] }, ({ x }) => ({ y: add(mul(x, -0), add(x, 0)), z: add(sin(x), 0) }))
    const { initialisers } = read(toOnnx(made as Graph)).graph
    expect(initialisers.map(({ data }) => data)).toEqual([[-0], [0]])
  })

  test('names its one input and its one output where the graph gives them no names', () => {
    const made = read(toOnnx(graph([2], x => mul(x, x)) as Graph)).graph
    expect([made.inputs, made.outputs].flat().map(({ name }) => name)).toEqual(['input', 'output'])
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
  test('is in ONNX what ops.txt says', async () => {
    const all = builtIn.flatMap(spec => {
      const last = spec.samples.cases.at(-1)
      if (last === undefined || spec.name === 'uniform') return []
      const builder = new Builder()
      const inputs = last.shapes.map((shape, i) => builder.input(`x${i}`, shape))
      const made = builder.apply(spec, inputs, last.attrs ?? {})
      const one = builder.build(made.map(({ id }, i) => ({ name: `y${i}`, value: id })))
      const shapes = last.shapes.map(showShape).join(' ')
      return [
        `${spec.name} ${shapes}`,
        ...show(read(toOnnx(one)).graph)
          .split('\n')
          .map(line => `  ${line}`),
      ]
    })
    await expect(`${all.join('\n')}\n`).toMatchFileSnapshot('ops.txt')
  })

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
      [last, 1, 2],
      [0, 0, 0],
    ]
    expect(refused({ W: W(-1e39) })).toMatchInlineSnapshot(
      `"onnx-range | 'W': has -1e+39 at index 0; the numbers of the model are float32, which ends at ±3.4028234663852886e38"`,
    )
    expect(refused({ W: W(Number.POSITIVE_INFINITY) })).toBe('nothing was thrown')
  })
})
