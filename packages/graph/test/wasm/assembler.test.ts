/// <reference path="../../src/wasm/webassembly.d.ts" />
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Func, WasmModule } from '../../src/wasm/assembler.js'
import { Bytes } from '../../src/wasm/bytes.js'
import { hasFma, hasSimd, supported } from '../../src/wasm/probe.js'

const leb = (write: (bytes: Bytes) => Bytes): number[] => Array.from(write(new Bytes()).view())

/** LEB128 read by its definition. */
function decoded(bytes: readonly number[], signed: boolean): number {
  const bits = bytes.reduce((sum, byte, i) => sum + BigInt(byte & 0x7f) * 128n ** BigInt(i), 0n)
  return Number(signed ? BigInt.asIntN(7 * bytes.length, bits) : bits)
}

function instantiate(
  module: WasmModule,
  imports: Record<string, unknown> = {},
): Record<string, (...args: number[]) => number> {
  const memory = new WebAssembly.Memory({ initial: 1 })
  const binary = new WebAssembly.Module(module.build())
  const instance = new WebAssembly.Instance(binary, {
    env: { memory, ...imports },
  })
  return instance.exports as Record<string, (...args: number[]) => number>
}

function single(func: Func): (...args: number[]) => number {
  const module = new WasmModule()
  module.add(func, 'run')
  return instantiate(module)['run']!
}

describe('Bytes', () => {
  test('writes unsigned LEB128 that reads back, in as few bytes as it takes', () => {
    fc.assert(
      fc.property(fc.nat({ max: 0xffff_ffff }), value => {
        const bytes = leb(out => out.unsigned(value))
        expect(decoded(bytes, false)).toBe(value)
        expect(bytes.length).toBe(Math.max(1, Math.ceil(value.toString(2).length / 7)))
      }),
    )
  })

  test('writes signed LEB128 that reads back', () => {
    fc.assert(
      fc.property(fc.integer(), value => {
        expect(
          decoded(
            leb(out => out.signed(value)),
            true,
          ),
        ).toBe(value)
      }),
    )
  })

  test.each([
    [0, [0]],
    [63, [0x3f]],
    [64, [0xc0, 0]],
    [-1, [0x7f]],
    [-64, [0x40]],
    [-65, [0xbf, 0x7f]],
    [2 ** 31 - 1, [0xff, 0xff, 0xff, 0xff, 0x07]],
    [-(2 ** 31), [0x80, 0x80, 0x80, 0x80, 0x78]],
  ])('writes %i as signed LEB128 %j', (value, bytes) => {
    expect(leb(out => out.signed(value))).toEqual(bytes)
  })

  test('writes 2^32 - 1 as unsigned LEB128 in five bytes', () => {
    expect(leb(out => out.unsigned(2 ** 32 - 1))).toEqual([0xff, 0xff, 0xff, 0xff, 0x0f])
  })

  test('writes what is outside ASCII as question marks', () => {
    expect(leb(out => out.text('gℓ😀'))).toEqual([4, 0x67, 0x3f, 0x3f, 0x3f])
  })
})

describe('Func', () => {
  test('computes with constants of every size', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), (a, b) => {
        expect(single(new Func([], ['i32']).i32(a).i32(b).sub())()).toBe((a - b) | 0)
      }),
    )
    expect(single(new Func([], ['f64']).number('f64', -Math.PI))()).toBe(-Math.PI)
    expect(single(new Func([], ['f32']).number('f32', 0.1))()).toBe(Math.fround(0.1))
  })

  test.each([0, 1, 2, 7])('repeats a body %i times, counted now or at run time', times => {
    const fixed = new Func([], ['i32'])
    const [counter, total] = [fixed.local('i32'), fixed.local('i32')]
    expect(single(fixed.repeat(counter, times, () => fixed.advance(total, 3)).get(total))()).toBe(3 * times)
    const moving = new Func(['i32'], ['i32'])
    const [count, sum] = [moving.local('i32'), moving.local('i32')]
    expect(single(moving.repeat(count, { local: 0 }, () => moving.advance(sum, 3)).get(sum))(times)).toBe(
      3 * times,
    )
  })

  test('repeats nothing a negative number of times', () => {
    const func = new Func(['i32'], ['i32'])
    const [counter, total] = [func.local('i32'), func.local('i32')]
    expect(single(func.repeat(counter, { local: 0 }, () => func.advance(total, 1)).get(total))(-5)).toBe(0)
  })

  test('chooses between two bodies', () => {
    const func = new Func(['i32'], ['i32'])
    const out = func.local('i32')
    func.get(0).ifThen(
      () => func.i32(10).set(out),
      () => func.i32(20).set(out),
    )
    const run = single(func.get(out))
    expect([run(1), run(0)]).toEqual([10, 20])
  })

  test('keeps locals of different types apart', () => {
    const func = new Func(['i32'], ['f64'])
    const [a, b, c] = [func.local('f64'), func.local('v128'), func.local('f64')]
    func.number('f64', 2).set(a).number('f64', 5).splat('f64').set(b).number('f64', 3).set(c)
    func.get(b).get(c).replaceLane('f64', 0).extractLane('f64', 1)
    expect([a, b, c]).toEqual([1, 2, 3])
    expect(single(func)(0)).toBe(5)
  })

  test('loads and stores lanes at offsets', () => {
    const func = new Func([], ['f32'])
    const vector = func.local('v128')
    func.i32(4).number('f32', 7).store('f32', 8)
    func.i32(8).zero().loadLane('f32', 2, 4).set(vector)
    func.i32(0).get(vector).storeLane('f32', 2, 400)
    func.i32(400).loadSplat('f32').extractLane('f32', 3)
    expect(single(func)()).toBe(7)
  })
})

describe('WasmModule', () => {
  test('numbers imports before functions and shares signatures', () => {
    const module = new WasmModule()
    const twice = module.importFunction('env', 'twice', ['f64'], ['f64'])
    const inner = module.add(new Func(['f64'], ['f64']).get(0).call(twice))
    const outer = module.add(new Func(['f64'], ['f64']).get(0).call(inner).call(twice), 'run')
    expect([twice, inner, outer]).toEqual([0, 1, 2])
    expect(instantiate(module, { twice: (x: number) => 2 * x })['run']!(5)).toBe(20)
  })

  test('refuses an import after a function', () => {
    const module = new WasmModule()
    module.add(new Func([]))
    expect(() => module.importFunction('env', 'late', [])).toThrow(
      "WasmModule.importFunction: 'env.late' comes after 1 functions; imports have the lowest indices",
    )
  })

  test('accepts a shared memory where it says so', () => {
    const module = new WasmModule({ pages: 1, max: 4, shared: true })
    module.add(new Func([], ['i32']).i32(0).load('i32'), 'run')
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 4, shared: true })
    new Int32Array(memory.buffer)[0] = 42
    const run = instantiate(module, { memory })['run']!
    expect(run()).toBe(42)
  })

  test('names functions in stack traces', () => {
    const module = new WasmModule()
    const func = new Func([]).op(0)
    func.name = 'trap on purpose'
    module.add(func, 'run')
    expect(() => instantiate(module)['run']!()).toThrow(
      expect.objectContaining({ stack: expect.stringContaining('trap on purpose') }),
    )
  })
})

describe('The probes', () => {
  test('find vectors wherever these tests run', () => {
    expect(hasSimd()).toBe(true)
    expect(supported()).toBeUndefined()
  })

  test('agree with the engine about fused multiply and add', () => {
    const func = new Func(['v128', 'v128', 'v128'], ['v128']).get(0).get(1).get(2).simd(0x107)
    const module = new WasmModule()
    module.add(func)
    expect(hasFma()).toBe(WebAssembly.validate(module.build()))
  })

  test('say what is missing', () => {
    const engine = WebAssembly
    try {
      Object.assign(globalThis, { WebAssembly: { ...engine, validate: () => false } })
      expect(supported()).toBe('this JavaScript engine has WebAssembly without SIMD')
      Reflect.deleteProperty(globalThis, 'WebAssembly')
      expect(supported()).toBe('this JavaScript engine has no WebAssembly')
    } finally {
      Object.defineProperty(globalThis, 'WebAssembly', { value: engine, writable: true, configurable: true })
    }
  })
})
