/** Faults in single ops and in how ops are declared. See `faults.mjs`. */
export const opFaults = [
  // Partial derivatives
  {
    breaks: 'sign in tanh′',
    file: 'ops/functions.ts',
    find: 'partials: { x: ({ y }) => sub(1, square(y)) }',
    replace: 'partials: { x: ({ y }) => sub(square(y), 1) }',
  },
  {
    breaks: 'factor in square′',
    file: 'ops/functions.ts',
    find: 'partials: { x: ({ x }) => mul(x, 2) }',
    replace: 'partials: { x: ({ x }) => mul(x, 1) }',
  },
  { breaks: 'sign in cos′', file: 'ops/functions.ts', find: '=> neg(sin(x))', replace: '=> sin(x)' },
  {
    breaks: 'sigmoid′ squared',
    file: 'ops/functions.ts',
    find: 'mul(y, sub(1, y))',
    replace: 'mul(y, sub(1, square(y)))',
  },
  { breaks: 'sqrt′ twice too large', file: 'ops/functions.ts', find: 'div(0.5, y)', replace: 'div(1, y)' },
  {
    breaks: 'rsqrt′ with the wrong power',
    file: 'ops/functions.ts',
    find: 'mul(mul(y, square(y)), -0.5)',
    replace: 'mul(square(y), -0.5)',
  },
  {
    breaks: 'log1p′ without the 1',
    file: 'ops/functions.ts',
    find: 'div(1, add(1, x))',
    replace: 'div(1, x)',
  },
  {
    breaks: 'expm1′ without the 1',
    file: 'ops/functions.ts',
    find: '({ y }) => add(y, 1)',
    replace: '({ y }) => y',
  },
  { breaks: 'sign in ∂(a/b)/∂b', file: 'ops/arithmetic.ts', find: 'neg(div(y, b))', replace: 'div(y, b)' },
  { breaks: 'sign of the subtrahend', file: 'ops/arithmetic.ts', find: 'b: () => -1', replace: 'b: () => 1' },
  {
    breaks: 'factors of mul exchanged',
    file: 'elementwise.ts',
    find: 'partials: { a: ({ b }) => b, b: ({ a }) => a }',
    replace: 'partials: { a: ({ a }) => a, b: ({ b }) => b }',
  },
  {
    breaks: 'min gives its share to the larger',
    file: 'ops/compare.ts',
    find: 'a: ({ a, b }) => share(a, b), b: ({ a, b }) => share(b, a)',
    replace: 'a: ({ a, b }) => share(b, a), b: ({ a, b }) => share(a, b)',
  },
  {
    breaks: 'silu′ without the product',
    file: 'ops/activations.ts',
    find: 'mul(s, add(1, mul(x, sub(1, s))))',
    replace: 'mul(s, add(1, sub(1, s)))',
  },
  {
    breaks: 'gelu′ without the density',
    file: 'ops/activations.ts',
    find: 'add(normalCdf(x), mul(x, density(x)))',
    replace: 'normalCdf(x)',
  },
  {
    breaks: 'logSumExp′ before normalising',
    file: 'ops/reduce.ts',
    find: 'vjp: { x: (g, { x, y }) => mul(g, exp(sub(x, y))) }',
    replace: 'vjp: { x: (g, { x }) => mul(g, exp(x)) }',
  },
  {
    breaks: 'softmax pullback without the mean',
    file: 'ops/softmax.ts',
    find: 'mul(y, sub(g, total(mul(g, y), attrs)))',
    replace: 'mul(y, g)',
  },
  {
    breaks: 'target not subtracted from softmax',
    file: 'ops/loss.ts',
    find: '  sub(softmax(logits), oneHot(',
    replace: '  add(softmax(logits), oneHot(',
  },
  {
    breaks: 'forward mode of cross-entropy over the wrong axis',
    file: 'ops/loss.ts',
    find: 'sum(mul(tangent, excess(logits, target)), { axis: -1 })',
    replace: 'sum(mul(tangent, excess(logits, target)), { axis: 0 })',
  },

  // Saves
  {
    breaks: 'stale value: tanh saves x, its derivative reads y',
    file: 'ops/functions.ts',
    find: "saves: ['y'],\n  f: Math.tanh",
    replace: "saves: ['x'],\n  f: Math.tanh",
  },
  {
    breaks: 'sin saves nothing',
    file: 'ops/functions.ts',
    find: "saves: ['x'],\n  f: Math.sin,",
    replace: 'saves: [],\n  f: Math.sin,',
  },
  {
    breaks: 'add saves what it never reads',
    file: 'elementwise.ts',
    find: 'saves: [],\n  f: (a: number, b: number) => a + b',
    replace: "saves: ['a'],\n  f: (a: number, b: number) => a + b",
  },

  // Broadcasting and shapes
  {
    breaks: 'un-broadcasting forgotten in every elementwise pullback',
    file: 'elementwise.ts',
    find: 'sumTo(times(cotangent, partial(at)), { shape: (at[name] as Ref).shape })',
    replace: 'times(cotangent, partial(at))',
  },
  {
    breaks: 'broadcasting forgotten in every elementwise pushforward',
    file: 'elementwise.ts',
    find: 'expand(times(tangent, partial(at)), { shape: at.y.shape })',
    replace: 'times(tangent, partial(at))',
  },
  {
    breaks: 'sumTo overwrites instead of adding',
    file: 'linear.ts',
    find: 'out.data[small]! += x.data[large]!',
    replace: 'out.data[small]! = x.data[large]!',
  },
  {
    breaks: 'sumTo adds rows with a wrong stride',
    file: 'linear.ts',
    find: 'total[k]! += rows[at + k]!',
    replace: 'total[k]! += rows[k]!',
  },
  {
    breaks: 'a length-1 axis broadcasts with its stride',
    file: 'linear.ts',
    find: 'axis < shift || small[axis - shift] === 1 ? 0',
    replace: 'axis < shift ? 0',
  },
  {
    breaks: 'transpose of a permutation is the permutation',
    file: 'ops/shape.ts',
    find: 'permute(g, { axes: axes.map((_, i) => axes.indexOf(i)) })',
    replace: 'permute(g, { axes })',
  },
  {
    breaks: 'transpose of slice starts one early',
    file: 'ops/shape.ts',
    find: 'pad(g, { axis, start, length: input[axis]! as number })',
    replace: 'pad(g, { axis, start: Math.max(0, start - 1), length: input[axis]! as number })',
  },
  {
    breaks: 'transpose of pad starts at 0',
    file: 'ops/shape.ts',
    find: 'slice(g, { axis, start, size: input[axis]! as number })',
    replace: 'slice(g, { axis, start: 0, size: input[axis]! as number })',
  },
  {
    breaks: 'slice folds away where only the start differs',
    file: 'ops/shape.ts',
    find: 'fold: ([x], { axis, size }) => (x!.shape[axis] === size ? x : undefined)',
    replace: 'fold: ([x], { axis, start }) => (start === 0 ? x : undefined)',
  },
  {
    breaks: 'transpose of flip flips nothing',
    file: 'ops/shape.ts',
    find: 'transpose: (g, _input, attrs) => flip(g, attrs)',
    replace: 'transpose: g => g',
  },
  {
    breaks: 'concat gives every part the first slice',
    file: 'ops/join.ts',
    find: 'return { axis, start: end - size, size }',
    replace: 'return { axis, start: 0, size }',
  },
  {
    breaks: 'scatterAdd overwrites rows named twice',
    file: 'ops/gather.ts',
    find: 'out.data[row * width + k]! += values',
    replace: 'out.data[row * width + k]! = values',
  },

  // Products
  {
    breaks: 'wrong operand letters in the pullback of contract',
    file: 'ops/contract.ts',
    find: "return of === 'a' ?",
    replace: "return of === 'b' ?",
  },
  {
    breaks: 'contract overwrites instead of adding',
    file: 'ops/contract.ts',
    find: 'y[to + n]! += scale * b[from + n]!',
    replace: 'y[to + n]! = scale * b[from + n]!',
  },
  {
    breaks: 'contract reads rows of a by the rows of y',
    file: 'ops/contract.ts',
    find: 'const scale = a[rows.a[m]! + summed.a[k]!]!',
    replace: 'const scale = a[rows.y[m]! + summed.a[k]!]!',
  },

  // Folds and credit
  {
    breaks: 'mul folds a factor 0 to the other factor',
    file: 'elementwise.ts',
    find: 'isConstant(a!, 1) ? b : isConstant(b!, 1) ? a : undefined',
    replace: 'isConstant(a!, 0) ? b : isConstant(b!, 1) ? a : undefined',
  },
  {
    breaks: 'pow folds the exponent 2 away',
    file: 'ops/functions.ts',
    find: 'fold: ([a, b]) => (isConstant(b!, 1) ? a : undefined)',
    replace: 'fold: ([a, b]) => (isConstant(b!, 2) ? a : undefined)',
  },
  {
    breaks: 'gate cuts in forward mode only',
    file: 'ops/credit.ts',
    find: 'vjp: { a: (cotangent, { b }) => (isConstant(b, 0) ? null : attenuate(cotangent, b)) }',
    replace: 'vjp: { a: cotangent => cotangent }',
  },
  {
    breaks: 'attenuate forgets the weight in its pullback',
    file: 'ops/credit.ts',
    find: 'sumTo(attenuate(cotangent, weight), { shape: x.shape })',
    replace: 'sumTo(cotangent, { shape: x.shape })',
  },
  {
    breaks: 'permute forgets the new axis when it is mapped over one',
    file: 'ops/shape.ts',
    find: 'permute(x!, { axes: [0, ...axes.map(axis => axis + 1)] })',
    replace: 'permute(x!, { axes: [...axes.map(axis => axis + 1), 0] })',
  },
  {
    breaks: 'softmax in simpler ops is not normalised',
    file: 'ops/softmax.ts',
    find: 'return div(powers, total(powers, attrs))',
    replace: 'return powers',
  },
]
