/** True where a net with three gates, and its gradient, stay within 1e-12 as their matrices are joined, with a third of the products. */
export async function gatesStay(source) {
  const { add, contract, evaluate, gradient, graph, linear, mul, scan, sigmoid, sub, sum, tanh } =
    await import(new URL('index.js', source))
  const { joinGates } = await import(new URL('rewrite/gates/join.js', source))
  const { optimised } = await import(new URL('optimise.js', source))
  const shapes = {
    Wc: [2, 2],
    Wa: [2, 2],
    Wb: [2, 2],
    Uc: [2, 3],
    Ua: [2, 3],
    Ub: [2, 3],
    h: [1, 2],
    xs: [3, 1, 3],
  }
  const net = graph(shapes, r => {
    const [end, ys] = scan(
      (h, x) => {
        const [a, b, c] = ['a', 'b', 'c'].map(g => add(linear(x, r[`U${g}`]), linear(h, r[`W${g}`])))
        const next = sub(tanh(a), add(sigmoid(b), mul(h, sigmoid(c))))
        return [next, next]
      },
      { carry: r.h, xs: r.xs },
    )
    return { loss: add(sum(tanh(ys)), sum(end)) }
  })
  const values = Object.fromEntries(
    Object.entries(shapes).map(([name, shape], k) => {
      const size = shape.reduce((product, length) => product * length, 1)
      return [name, { shape, data: Float64Array.from({ length: size }, (_, i) => Math.sin(7 * k + i)) }]
    }),
  )
  const numbers = made => Object.values(evaluate(made, values)).flatMap(value => [...value.data])
  const products = ({ nodes }) =>
    nodes.reduce(
      (count, { op, attrs }) => count + (op === contract.spec) + (attrs?.body ? products(attrs.body) : 0),
      0,
    )
  return [
    [net, 2],
    [gradient(net, { of: 'loss', by: Object.keys(shapes) }), 6],
  ].every(([made, wanted]) => {
    const joined = joinGates(optimised(made))
    const [before, after] = [numbers(made), numbers(joined)]
    return products(joined) === wanted && before.every((x, i) => Math.abs(x - after[i]) < 1e-12)
  })
}
