/** Programs with resident state that join their inputs, or have loops: what `evaluate` says of them step by step, and what they may copy. */
export async function compiledAnswers(source) {
  const engine = await import(new URL('index.js', source))
  const { compile, concat, evaluate, graph, mul, pad } = engine
  const cases = {
    'inputs that are joined twice, and change': {
      made: graph({ a: [2, 2], b: [1, 2] }, ({ a, b }) => ({
        a: mul(a, 2),
        b: mul(b, 3),
        y: concat([a, b]),
        z: mul(concat([b, a]), 5),
      })),
      keep: { a: 'a', b: 'b' },
      copies: ['concat', 'concat', 'y'],
    },
    'inputs that are joined, of which one changes': {
      made: graph({ a: [2, 2], b: [1, 2] }, ({ a, b }) => ({ a: mul(a, 2), y: mul(concat([a, b]), 5) })),
      keep: { a: 'a' },
      copies: ['concat', 'concat'],
    },
    'inputs that are joined along their last axis': {
      made: graph({ a: [2, 1], b: [2, 2] }, ({ a, b }) => ({ y: concat([a, b], { axis: 1 }) })),
      keep: {},
      copies: ['concat', 'concat'],
    },
    'an input with zeros around it': {
      made: graph({ a: [2] }, ({ a }) => ({ a: mul(a, 2), y: pad(a, { axis: 0, start: 1, length: 4 }) })),
      keep: { a: 'a' },
      copies: ['pad'],
    },
    'carries that are read before their next values are written': {
      made: looped(engine, ({ linear, mul, tanh }, { a, b, x, W }) => [linear(tanh(a), W), mul(b, x)]),
      keep: {},
      copies: ['carry', 'carry'],
    },
    'a carry that is read when its next value is there': {
      made: looped(engine, ({ add, linear, tanh }, { a, b, W }) => {
        const next = linear(tanh(a), W)
        return [next, tanh(add(b, linear(linear(a, W), next)))]
      }),
      keep: {},
      copies: ['carry', 'carry', 'carry'],
    },
    'a carry that is read in another order than it is written': {
      made: looped(engine, ({ add, mul, permute, tanh }, { a, b, x, W }) => [
        tanh(add(permute(a, { axes: [1, 0] }), W)),
        mul(b, x),
      ]),
      keep: {},
      copies: ['carry', 'carry', 'carry'],
    },
  }
  const { inputsOf, goesLike } = steps(evaluate)
  return Object.entries(cases).flatMap(([name, { made, keep, copies }]) => {
    const program = compile(made, { keep, dtype: 'float64' })
    const right = goesLike(program, made, keep, inputsOf(made))
    const copied = program.plan().match(/(?<=copy )\S+/g) ?? []
    return right && copied.join() === copies.join() ? [] : [`compiled: ${name}`]
  })
}

/** A loop of three steps over two carries [2, 2]. */
function looped({ graph, scan, ...ops }, next) {
  return graph({ a: [2, 2], b: [2, 2], xs: [3, 1], W: [2, 2] }, ({ a, b, xs, W }) => {
    const step = (carry, x) => {
      const [one, other] = next(ops, { ...carry, x, W })
      return [{ a: one, b: other }, {}]
    }
    const [last] = scan(step, { carry: { a, b }, xs })
    return { y: last.a, z: last.b }
  })
}

/** Three steps of a program beside `evaluate`; only the first is given values. */
function steps(evaluate) {
  const inputsOf = ({ inputs, shapes }) =>
    Object.fromEntries(
      inputs.map(({ name, value }, i) => {
        const length = shapes[value].reduce((size, dim) => size * dim, 1)
        return [name, { shape: shapes[value], data: Float64Array.from({ length }, (_, k) => 1 + k + 10 * i) }]
      }),
    )
  const goesLike = (program, made, keep, start) => {
    for (const [name, { data }] of Object.entries(start)) program.view(name).set(data)
    let state = start
    return [1, 2, 3].every(() => {
      const expected = evaluate(made, state)
      program.step()
      state = { ...state }
      for (const [output, input] of Object.entries(keep)) state[input] = expected[output]
      const seen = Object.keys(expected).filter(name => !(name in keep))
      return (
        seen.every(name => String(program.view(name)) === String(expected[name].data)) &&
        Object.keys(state).every(name => String(program.read(name).data) === String(state[name].data))
      )
    })
  }
  return { inputsOf, goesLike }
}
