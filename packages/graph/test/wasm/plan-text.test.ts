import { expect, test } from 'vitest'
import { add, compile, gradient, graph, linear, scan, square, sum, tanh } from '../../src/index.js'

const net = graph({ U: [4, 3], W: [4, 4], h: [2, 4], xs: ['T', 2, 3] }, ({ U, W, h, xs }) => {
  const [last] = scan((carry, x) => [tanh(add(linear(x, U), linear(carry, W))), {}], { carry: h, xs })
  return { loss: sum(square(last)) }
})

test('a plan reads as what runs: inputs projected before the loop, weight gradients after it', () => {
  const program = compile(gradient(net, { of: 'loss', by: ['U', 'W'] }))
  program.bind({ T: 7 })
  expect(program.plan()).toMatchInlineSnapshot(`
    "contract dot T·2×3×4
    copy carry [2, 4]
    for t = 1 … T
      contract dot 2×4×4
      add·tanh [2, 4]
    mul·mul [2, 4]
    copy carry [2, 4]
    pack
    for t = T … 1
      square·sub·mul [2, 4]
      contract tile 2×4×4
    contract gradient 4×T·2×3
    contract gradient 4×T·2×4"
  `)
})

test('a traced program tells the time per kernel, another nothing', () => {
  const values = { U: ones(4, 3), W: ones(4, 4), h: ones(2, 4), xs: [ones(2, 3), ones(2, 3)] }
  const traced = compile(net, { trace: true })
  for (let i = 0; i < 3; i++) traced.run(values)
  const rows = traced.profile()
  expect(rows.map(({ name, calls }) => [name, calls]).sort()).toMatchInlineSnapshot(`
    [
      [
        "add·tanh",
        6,
      ],
      [
        "contract dot 2×4×4",
        6,
      ],
      [
        "contract dot T·2×3×4",
        3,
      ],
      [
        "copy carry",
        3,
      ],
      [
        "fill 0",
        3,
      ],
      [
        "square·sum",
        3,
      ],
    ]
  `)
  expect(rows.every(({ ms }) => ms >= 0)).toBe(true)
  const plain = compile(net)
  plain.run(values)
  expect(plain.profile()).toEqual([])
})

test('views are the memory itself: a step runs on what was written there', () => {
  const program = compile(net, { dtype: 'float64' })
  program.bind({ T: 1 })
  for (const name of ['U', 'W', 'h', 'xs']) program.view(name).fill(0.1)
  program.step()
  const made = compile(net, { dtype: 'float64' }).run({
    U: ones(4, 3, 0.1),
    W: ones(4, 4, 0.1),
    h: ones(2, 4, 0.1),
    xs: [ones(2, 3, 0.1)],
  })
  expect(program.view('loss')[0]).toBe(made.loss.data[0])
  expect(() => program.view('nothing')).toThrowErrorMatchingInlineSnapshot(
    `[GraphError: 'nothing': is no input or output; there are U, W, h, xs, loss]`,
  )
  expect(() => compile(net).bind({})).toThrowErrorMatchingInlineSnapshot(
    `[GraphError: program: axis 'T' has no length; bind gives one to every named axis]`,
  )
})

function ones(rows: number, columns: number, value = 1): number[][] {
  return Array.from({ length: rows }, () => new Array<number>(columns).fill(value))
}
