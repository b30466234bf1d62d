import {
  add,
  evaluate,
  type Graph,
  type GraphError,
  graph,
  isTensor,
  item,
  leaves,
  linear,
  mul,
  type Nested,
  square,
  sub,
  sum,
  type Tensor,
  type Tree,
  tanh,
  valueAndGradient,
} from '@bptt/graph'
import { arbitraryProgram, arbitraryTensor, type Program } from '@bptt/graph/laws'
import fc from 'fast-check'
import {
  asyncScheduler,
  isObservable,
  map,
  NEVER,
  type Observable,
  of,
  queueScheduler,
  retry,
  Subject,
  share,
  tap,
  throwError,
  VirtualTimeScheduler,
} from 'rxjs'
import { TestScheduler } from 'rxjs/testing'
import { describe, expect, test } from 'vitest'
import { fromGraph } from '../src/index.js'

const pricing = graph({ rate: [], amount: [] }, ({ rate, amount }) => {
  const fee = mul(rate, amount)
  return { fee, total: add(amount, fee), twice: mul(rate, 2) }
})

const number = map(item)

function marbles(run: (tools: Parameters<Parameters<TestScheduler['run']>[0]>[0]) => void): void {
  new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(run)
}

const numbers = { 0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 8: 8, 9: 9 }

describe('fromGraph', () => {
  test('begins when every input has a value, and follows each change', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const rate = cold('  --1---0---|', numbers)
      const amount = cold('-1---3---|', numbers)
      const { total } = fromGraph(pricing, { rate, amount })
      expectObservable(total.pipe(number)).toBe('--2--63---|', numbers)
      expectSubscriptions(rate.subscriptions).toBe('^---------!')
      expectSubscriptions(amount.subscriptions).toBe('^--------!')
    })
  })

  test('makes one change of what changes in one tick: no glitch', () => {
    marbles(({ hot, expectObservable }) => {
      const quote = hot('-1--2--3--|', numbers).pipe(share())
      const inputs = { rate: quote.pipe(map(x => x - 1)), amount: quote }
      expectObservable(fromGraph(pricing, inputs).total.pipe(number)).toBe('-1--4--9--|', numbers)
    })
  })

  test('takes the last of several values of one tick', () => {
    marbles(({ cold, expectObservable }) => {
      const inputs = { rate: cold('(012)-1-|', numbers), amount: cold('2------|', numbers) }
      expectObservable(fromGraph(pricing, inputs).total.pipe(number)).toBe('6-----4-|', numbers)
    })
  })

  test('is silent where an output comes out the same', () => {
    marbles(({ cold, expectObservable }) => {
      const inputs = { rate: cold('0--0--1--|', numbers), amount: cold('3-4-4-3--|', numbers) }
      const { total, twice } = fromGraph(pricing, inputs)
      expectObservable(total.pipe(number)).toBe('3-4---6--|', numbers)
      expectObservable(twice.pipe(number)).toBe('0-----2--|', numbers)
    })
  })

  test('computes what waits before it completes, and completes where an input has no value', () => {
    marbles(({ cold, expectObservable }) => {
      const late = { rate: of(1), amount: cold('--(3|)', numbers) }
      expectObservable(fromGraph(pricing, late).total.pipe(number)).toBe('--(6|)', numbers)
      const never = { rate: cold('--|', numbers), amount: cold('1----2', numbers) }
      expectObservable(fromGraph(pricing, never).total).toBe('--|')
    })
  })

  test('computes what waits before it fails with the error of an input', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const rate = cold('1-----', numbers)
      const amount = cold('1-(3#)', numbers, 'lost')
      const { total, fee } = fromGraph(pricing, { rate, amount })
      expectObservable(total.pipe(number)).toBe('2-(6#)', numbers, 'lost')
      expectObservable(fee.pipe(number)).toBe('1-(3#)', numbers, 'lost')
      expectSubscriptions(rate.subscriptions).toBe('^-!')
    })
  })

  test('shares its inputs, gives a late subscriber the present value, lets go with the last', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const rate = cold('1---------', numbers)
      const amount = cold('1---2---3-', numbers)
      const { total, fee } = fromGraph(pricing, { rate, amount })
      expectObservable(total.pipe(number), '^-----!').toBe('        2---4--', numbers)
      expectObservable(fee.pipe(number), '  -----^----!').toBe('    -----2--3-', numbers)
      expectObservable(fee.pipe(number), '  -------------^----!').toBe('-------------1---2', numbers)
      expectSubscriptions(amount.subscriptions).toBe(['^---------!', '-------------^----!'])
      expectSubscriptions(rate.subscriptions).toBe(['^---------!', '-------------^----!'])
    })
  })

  test('gives the last value to who comes after the end', () => {
    const { total } = fromGraph(pricing, { rate: of(1), amount: of(1, 2) })
    const seen: unknown[] = []
    for (const round of [1, 2])
      total.pipe(number).subscribe({ next: x => seen.push(round, x), complete: () => seen.push('end') })
    expect(seen).toEqual([1, 4, 'end', 2, 4, 'end'])
  })

  test('computes every change on its own, at once, with queueScheduler', () => {
    const seen: number[] = []
    const rate = new Subject<number>()
    const { total } = fromGraph(pricing, { rate, amount: 2 }, { scheduler: queueScheduler })
    total.pipe(number).subscribe(x => seen.push(x))
    for (const x of [1, 2, 3]) rate.next(x)
    expect(seen).toEqual([4, 6, 8])
  })

  test('computes at the end of the tick with asapScheduler, once for a burst', async () => {
    const seen: number[] = []
    const rate = new Subject<number>()
    fromGraph(pricing, { rate, amount: 2 })
      .total.pipe(number)
      .subscribe(x => seen.push(x))
    for (const x of [1, 2, 3]) rate.next(x)
    expect(seen).toEqual([])
    await Promise.resolve()
    expect(seen).toEqual([8])
  })

  test('takes what a subscriber sends back in the next tick', () => {
    marbles(({ expectObservable }) => {
      const amount = new Subject<number>()
      const { total } = fromGraph(pricing, { rate: of(1), amount }, { scheduler: asyncScheduler })
      const feedback = total.pipe(
        number,
        tap(x => x < 8 && amount.next(x)),
      )
      expectObservable(feedback).toBe('(248)', numbers)
      asyncScheduler.schedule(() => amount.next(1))
    })
  })

  test('shows all outputs of one tick before any of the next', () => {
    const rate = new Subject<number>()
    const { total, fee } = fromGraph(pricing, { rate, amount: 1 }, { scheduler: queueScheduler })
    const seen: string[] = []
    fee.pipe(number).subscribe(x => {
      seen.push(`fee ${x}`)
      if (x < 2) rate.next(x + 1)
    })
    total.pipe(number).subscribe(x => seen.push(`total ${x}`))
    rate.next(1)
    expect(seen).toEqual(['fee 1', 'total 2', 'fee 2', 'total 3'])
  })

  test('does nothing before it is subscribed to', () => {
    const rate = new Subject<number>()
    fromGraph(pricing, { rate, amount: 1 })
    expect(rate.observed).toBe(false)
  })

  test('takes nested and flat names, fixed values, and a graph of one unnamed output', () => {
    const net = graph({ params: { W: [2, 2], b: [2] }, x: [2] }, ({ params: { W, b }, x }) =>
      sum(tanh(add(add(mul(W, x), b), 1))),
    )
    const [W, b] = [
      [
        [1, 2],
        [3, 4],
      ],
      [5, 6],
    ]
    const right = item(evaluate(net, { params: { W, b }, x: [7, 8] }) as Tensor)
    const nested = fromGraph(net, { params: { W, b }, x: of([7, 8]) })
    const flat = fromGraph(net, { 'params.W': W, 'params.b': of(b), x: Float64Array.of(7, 8) })
    const seen: number[] = []
    for (const y of [nested, flat]) y.pipe(number).subscribe(value => seen.push(value))
    expect(seen).toEqual([right, right])
  })

  test('answers once where nothing is a stream', () => {
    const seen: unknown[] = []
    fromGraph(pricing, { rate: 1, amount: 2 })
      .total.pipe(number)
      .subscribe({ next: x => seen.push(x), complete: () => seen.push('end') })
    expect(seen).toEqual([4, 'end'])
  })

  const failure = (make: () => unknown): GraphError => {
    try {
      make()
    } catch (error) {
      return error as GraphError
    }
    throw new Error('no error')
  }

  test('refuses inputs that are missing or unknown where it is called', () => {
    expect(failure(() => fromGraph(pricing, { rate: of(1) }))).toMatchObject({
      code: 'missing-input',
      message: "input 'amount': has no Observable and no value; given rate",
    })
    expect(failure(() => fromGraph(pricing, { rate: of(1), amount: 1, rates: NEVER }))).toMatchObject({
      code: 'extra-input',
      message: "input 'rates': is not an input; inputs are rate, amount",
    })
  })

  test('fails where a value does not fit, and can be retried', () => {
    const rate = new Subject<Nested>()
    const seen: unknown[] = []
    fromGraph(pricing, { rate, amount: 2 }, { scheduler: queueScheduler })
      .total.pipe(
        tap({ error: (error: GraphError) => seen.push([error.code, error.where]) }),
        retry(1),
        number,
      )
      .subscribe(x => seen.push(x))
    rate.next(1)
    rate.next([1, 2])
    rate.next(3)
    expect(seen).toEqual([4, ['shape', "input 'rate'"], 8])
    expect(rate.observed).toBe(true)
  })

  test('leaves no input subscribed to where one fails while it is subscribed to', () => {
    const amount = new Subject<number>()
    const seen: unknown[] = []
    fromGraph(pricing, { rate: throwError(() => 'lost'), amount }).total.subscribe({
      error: error => seen.push(error),
    })
    expect([seen, amount.observed]).toEqual([['lost'], false])
  })
})

/** The graph, with a tally of how often each node is computed. */
function tallied(g: Graph): { readonly graph: Graph; readonly tally: Map<number, number> } {
  const tally = new Map<number, number>()
  const nodes = g.nodes.map((node, at) => {
    if (node.kind !== 'apply') return node
    const forward: typeof node.op.forward = (inputs, run) => {
      tally.set(at, (tally.get(at) ?? 0) + 1)
      return node.op.forward(inputs, run)
    }
    return { ...node, op: { ...node.op, forward } }
  })
  return { graph: { ...g, nodes }, tally }
}

/** Sends batches of changes, a tick each, and compares what is shown with a computation from scratch. */
function followsScratch(g: Graph, batches: readonly Readonly<Record<string, Tensor>>[]): void {
  const { graph: counted, tally } = tallied(g)
  const subjects = Object.fromEntries(g.inputs.map(({ name }) => [name, new Subject<Tensor>()]))
  const scheduler = new VirtualTimeScheduler()
  const outputs = fromGraph(counted, subjects, { scheduler }) as Tree<Observable<Tensor>>
  const shown = new Map<string, Tensor>()
  for (const [name, output] of leaves(
    outputs,
    isObservable as (x: unknown) => x is Observable<Tensor>,
    'test',
  ))
    output.subscribe(value => shown.set(name, value))
  let values: Record<string, Tensor> = {}
  for (const batch of batches) {
    tally.clear()
    for (const [name, value] of Object.entries(batch)) {
      subjects[name]!.next({ ...value, data: value.data.map(x => x + 1) }) // never seen: another follows in the tick
      subjects[name]!.next(value)
    }
    scheduler.flush()
    values = { ...values, ...batch }
    expect(Math.max(0, ...tally.values())).toBeLessThanOrEqual(1)
    const scratch = leaves<Tensor>(evaluate(g, values) as Tree<Tensor>, isTensor, 'test')
    expect(Object.fromEntries(shown)).toEqual(Object.fromEntries(scratch))
  }
}

describe('identity 48: after any batch of changes, each node is computed at most once and shows the value from scratch', () => {
  const changing = arbitraryProgram().chain(program =>
    fc
      .array(fc.subarray(program.graph.inputs.map(({ name }) => name)), { minLength: 1, maxLength: 4 })
      .chain(rounds =>
        fc.record({
          program: fc.constant(program),
          batches: fc.tuple(
            ...[program.graph.inputs.map(({ name }) => name), ...rounds].map(names =>
              fc.record(
                Object.fromEntries(names.map(name => [name, arbitraryTensor(shapeOf(program, name))])),
              ),
            ),
          ),
        }),
      ),
  )
  const shapeOf = ({ graph: g, inputs }: Program, name: string): readonly number[] =>
    inputs[g.inputs.findIndex(port => port.name === name)]!.shape

  test('for random programs', () => {
    fc.assert(
      fc.property(changing, ({ program, batches }) => followsScratch(program.graph, batches)),
      {
        numRuns: 150,
      },
    )
  })

  test('for the gradient of a net: the incremental gradient is the full one', () => {
    const loss = graph({ W: [3, 2], x: [2], y: [3] }, ({ W, x, y }) => ({
      loss: sum(square(sub(tanh(linear(x, W)), y))),
    }))
    const slope = valueAndGradient(loss, { of: 'loss', by: ['W'] }) as Graph
    const draw = fc.record(
      { W: arbitraryTensor([3, 2]), x: arbitraryTensor([2]), y: arbitraryTensor([3]) },
      { requiredKeys: [] },
    )
    const first = fc.record({ W: arbitraryTensor([3, 2]), x: arbitraryTensor([2]), y: arbitraryTensor([3]) })
    fc.assert(
      fc.property(first, fc.array(draw, { maxLength: 5 }), (start, batches) =>
        followsScratch(slope, [start, ...(batches as Readonly<Record<string, Tensor>>[])]),
      ),
      { numRuns: 50 },
    )
  })
})
