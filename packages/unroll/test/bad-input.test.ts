import {
  compile,
  evaluate,
  graph,
  squaredError,
  type Tensor,
  type Values,
  valueAndGradient,
} from '@bptt/graph'
import { describe, expect, test } from 'vitest'
import {
  adaptive,
  artbp,
  beside,
  bidirectional,
  cell,
  checkpointEvery,
  checkpointed,
  clipCredit,
  clipCreditByNorm,
  elman,
  estimatorReport,
  every,
  fixed,
  full,
  lagNorms,
  leastAdvances,
  localTraces,
  padded,
  patternsOf,
  random as randomCuts,
  revolve,
  reweight,
  rtrl,
  snap,
  stack,
  stateSpectrum,
  type Timeline,
  type TimelineOptions,
  unroll,
  uoro,
  windowPlan,
  windowRunner,
  windows,
  withEmbedding,
  withinBytes,
} from '../src/index.js'
import { cellLaws, expectCellLaws } from '../src/laws/index.js'
import { failure, random, sequence } from './support.js'

const loss = squaredError
const net = elman({ inputs: 2, hidden: 3 })
const above = elman({ inputs: 4, hidden: 3 })
const pair = stack([net, elman({ inputs: 3, hidden: 4 })])
const of = (options: Partial<TimelineOptions>): Timeline =>
  unroll(net, { steps: 4, batch: 2, loss, ...options })
const line = of({})
const data = sequence(net, [4, 2])
const one = { params: data.params, carry: { h: random([3], 1) }, xs: random([4, 2], 2) }
const given = (extra: object): Values => ({ ...data, ...extra }) as Values
const filled = (shape: readonly number[], value: number): Tensor => ({
  shape,
  data: new Float64Array(shape.reduce((a, b) => a * b, 1)).fill(value),
})

/** A value that only a caller without types can give. */
const odd = (value: unknown): never => value as never

const STEPS = 'the number of steps is the length of the first axis of xs'
const AXIS = "steps: 'T' takes sequences of any length"
const CUTS = '0 cuts an edge, 1 passes its credit unchanged'
const COUNTED = 'reweight(line, schedule) gives every edge its weight'
const MADE = 'full(), every(K), artbp({ mean }), random({ c }) and fixed(weights) make schedules'

const MASKED = 'weights (weighted: true) scale losses'
const RESETS = "credit: { kind: 'input', each: true } lets a part of the credit through"

/** Ways to run a timeline of 4 steps and 2 examples, with one number of its mask or reset at place 5. */
function flagged(name: 'mask' | 'reset', value: number): Readonly<Record<string, () => unknown>> {
  const options = name === 'mask' ? { masked: true } : { resets: true }
  const values = given({ [name]: { shape: [4, 2], data: Float64Array.of(1, 1, 1, 1, 1, value, 1, 1) } })
  const slope = valueAndGradient(of(options).graph, { of: 'loss', by: ['params'] })
  return {
    evaluate: () => evaluate(slope, values as never),
    flat: () => evaluate(of({ ...options, form: 'flat' }).graph, values),
    compiled: () => compile(slope).run(values as never),
    windows: () => evaluate(windows(of(options), { h: 2 }).graph, values),
    windowRunner: () => windowRunner(of({ ...options, steps: 'T' }), { h: 2 }).run(values),
    checkpointed: () => checkpointed(of(options)).run(values),
  }
}

type Case = readonly [call: string, run: () => unknown, code: string, detail: string, hint: string]

const cases: Record<string, readonly Case[]> = {
  'K = 0': [
    [
      'every(0)',
      () => every(0),
      'bad-schedule',
      'every: K is 0; blocks have a whole number of steps ≥ 1',
      'full() never cuts',
    ],
    [
      'an offset outside the block',
      () => every(3, { offset: 3 }),
      'bad-schedule',
      'every: offset is 3; it is a whole number in [0, 3)',
      'offset 0 cuts behind the steps 3, 6, …',
    ],
    [
      'checkpointed every 0',
      () => checkpointed(line, { every: 0 }),
      'bad-checkpoint',
      'checkpointEvery: every is 0; a state is held every so many steps, a whole number ≥ 1',
      'leave it out for √T, which holds the fewest',
    ],
    [
      'no snapshots',
      () => checkpointed(line, { snapshots: 0 }),
      'bad-checkpoint',
      'revolve: snapshots is 0; state 0 is held, so it is a whole number ≥ 1',
      '1 holds the least; more states, fewer advances',
    ],
    [
      'a budget below one state',
      () => checkpointed(line, { bytes: 47 }),
      'bad-checkpoint',
      'withinBytes: bytes is 47 and a state has 48 bytes; a budget is a number, and holds at least one state',
      '192 bytes hold a state for every step',
    ],
    [
      'two ways to hold states',
      () => checkpointed(line, { every: 2, bytes: 100 }),
      'bad-checkpoint',
      'checkpointed: every is 2, snapshots undefined and bytes 100; one of them says what is held',
      'bytes for a budget, snapshots for a number of states',
    ],
    [
      'snap of order 0',
      () => snap(net, { steps: 4, loss, order: 0 }),
      'bad-order',
      'snap: order is 0; SnAp keeps influence of a whole number of steps ≥ 1',
      'order 1 is the cheapest, rtrl keeps all',
    ],
  ],
  'h < h′': [
    [
      'windows(2; 3)',
      () => windows(line, { h: 2, every: 3 }),
      'bad-windows',
      'windows: h is 2 and every is 3; a window goes back over a whole number of steps h ≥ h′',
      'h = 6 is twice as far as windows are apart, the usual choice',
    ],
    [
      'windowRunner(2; 3)',
      () => windowRunner(of({ steps: 'T' }), { h: 2, every: 3 }),
      'bad-windows',
      'windows: h is 2 and every is 3; a window goes back over a whole number of steps h ≥ h′',
      'h = 6 is twice as far as windows are apart, the usual choice',
    ],
    [
      'a report on BPTT(2; 3)',
      () => estimatorReport(net, data, [{ h: 2, every: 3 }], { loss }),
      'bad-windows',
      'windows: h is 2 and every is 3; a window goes back over a whole number of steps h ≥ h′',
      'h = 6 is twice as far as windows are apart, the usual choice',
    ],
    [
      'windows that never come',
      () => windows(line, { h: 2, every: 0 }),
      'bad-windows',
      'windows: every is 0; a window comes every h′ steps, a whole number ≥ 1',
      'every: 1 slides, one window per loss',
    ],
  ],
  'c ∉ [0, 1)': [
    [
      'random({ c: 1 })',
      () => randomCuts({ c: 1 }),
      'bad-schedule',
      'random: c is 1; the chance of a cut is a number in [0, 1)',
      'every(1) cuts every edge, full() none',
    ],
    [
      'random({ c: -0.1 })',
      () => randomCuts({ c: -0.1 }),
      'bad-schedule',
      'random: c is -0.1; the chance of a cut is a number in [0, 1)',
      'every(1) cuts every edge, full() none',
    ],
    [
      'a relative bias of 1',
      () => adaptive({ bias: 1, norms: [1, 0.5] }),
      'bad-schedule',
      'adaptive: bias is 1; the relative bias is a number in (0, 1)',
      '0.1 loses a tenth of the gradient',
    ],
  ],
  'mean < 1 and α ≤ 2': [
    [
      'artbp({ mean: 1 })',
      () => artbp({ mean: 1 }),
      'bad-schedule',
      'artbp: mean is 1; the mean segment length is a number > 1',
      'full() never cuts, every(1) always',
    ],
    [
      'artbp({ mean: 0.5, tail: 4 })',
      () => artbp({ mean: 0.5, tail: 4 }),
      'bad-schedule',
      'artbp: mean is 0.5; the mean segment length is a number > 1',
      'full() never cuts, every(1) always',
    ],
    [
      'artbp({ mean: 4, tail: 2 })',
      () => artbp({ mean: 4, tail: 2 }),
      'bad-schedule',
      'artbp: tail is 2; α is a number > 2, or the mean length would be infinite',
      '4 or 6 in the paper',
    ],
    [
      'a seed below 0',
      () => artbp({ mean: 4, seed: -1 }),
      'bad-coin',
      'coin: seed is -1; it must be an integer from 0 to 2^53 - 1',
      'any whole number does: 0, 1, 2, …',
    ],
  ],
  'T = 0': [
    ...(['folded', 'flat'] as const).map(
      (form): Case => [
        `a ${form} timeline`,
        () => unroll(net, { steps: 0, form }),
        'bad-steps',
        'unroll: steps is 0; a timeline has a whole number of steps ≥ 1, or a named axis',
        AXIS,
      ],
    ),
    [
      'a flat timeline of a named length',
      () => unroll(net, { steps: 'T', form: 'flat' }),
      'bad-steps',
      "unroll: steps is 'T'; a flat timeline needs a number",
      "use form: 'folded'",
    ],
    [
      'text that reads as a number',
      () => unroll(net, { steps: '10' }),
      'bad-steps',
      "unroll: steps is '10'; a timeline has a whole number of steps ≥ 1, or a named axis",
      AXIS,
    ],
    [
      'no examples',
      () => unroll(net, { steps: 3, batch: 0 }),
      'bad-batch',
      'unroll: batch is 0; a batch has a whole number of examples ≥ 1, or a named axis',
      "leave batch out for one example; batch: 'B' takes any number of them",
    ],
    ...Object.entries({
      windows: () => windowPlan(0, { h: 2 }),
      checkpointEvery: () => checkpointEvery(0),
      revolve: () => revolve(0, 2),
      leastAdvances: () => leastAdvances(0, 2),
      withinBytes: () => withinBytes(0, 100, 8),
      patternsOf: () => patternsOf(artbp({ mean: 3 }), 0),
      trajectory: () => stateSpectrum(net, { ...one, xs: filled([0, 2], 0) }),
      lagNorms: () => lagNorms(net, { ...data, xs: filled([0, 2, 2], 0) }, loss),
      padded: () => padded([filled([0, 2], 0)]),
    }).map(
      ([name, run]): Case => [
        name,
        run,
        'bad-steps',
        `${name}: steps is 0; a timeline has a whole number of steps ≥ 1`,
        STEPS,
      ],
    ),
    [
      'rtrl',
      () => rtrl(net, { steps: 0, loss }),
      'bad-steps',
      'forward mode: steps is 0; a timeline has a whole number of steps ≥ 1, or a named axis',
      AXIS,
    ],
    [
      'windowRunner over an empty sequence',
      () =>
        windowRunner(of({ steps: 'T' }), { h: 2 }).run(
          given({ xs: filled([0, 2, 2], 0), targets: filled([0, 2, 3], 0) }),
        ),
      'bad-steps',
      'windows: steps is 0; a timeline has a whole number of steps ≥ 1',
      STEPS,
    ],
  ],
  'mismatched shapes between layers': [
    [
      'an output that does not fit the next input',
      () => stack([net, above]),
      'cell-input',
      'stack: elman gives [3] and elman takes [4]; an output fits the next input',
      'make elman for inputs of [3], or give elman a readout: withReadout(cell, { outputs })',
    ],
    [
      'no layer',
      () => stack([]),
      'empty-list',
      'stack: has no cell; a stack has at least one',
      'stack([elman({ inputs: 2, hidden: 3 })])',
    ],
    [
      'cells side by side with other inputs',
      () => beside([net, above]),
      'cell-input',
      'beside: elman takes [2] and elman takes [4]; cells side by side read one input',
      'make them for inputs of one shape',
    ],
    [
      'an embedding of symbols that are embedded',
      () => withEmbedding(withEmbedding(net, { symbols: 3 }), { symbols: 3 }),
      'cell-input',
      "withEmbedding: the cell's values are []; they need a last axis",
      'let it take and give vectors, [1] for one number',
    ],
    [
      'a carry that leaves the step in another shape',
      () =>
        cell({
          params: () => ({ b: [2] }),
          carry: () => ({ h: [3] }),
          step: (_params, _carry, x) => [{ h: x }, x],
        })({ inputs: 2, hidden: 3 }),
      'cell-carry',
      "cell: carry 'h' is declared [3] and leaves the step as [2]; a carry keeps its name and shape",
      'declare it as [2], or let the step return [3]',
    ],
    [
      'a carry of one layer in the place of another',
      () =>
        evaluate(unroll(pair, { steps: 2 }).graph, {
          params: pair.init(1).params,
          carry: { l0: { h: [0, 0, 0, 0] }, l1: { h: [0, 0, 0] } },
          xs: filled([2, 2], 1),
        }),
      'shape',
      "input 'carry.l0.h': has the shape [4]; the graph declares [3]",
      "where lengths differ from run to run, declare a named axis: ['T', 3]",
    ],
    ...[checkpointed(line), windowRunner(of({ steps: 'T' }), { h: 2 })].map(
      (made): Case => [
        `a carry of another width, in ${'plan' in made ? 'checkpointed' : 'windowRunner'}`,
        () => made.run(given({ carry: { h: filled([2, 4], 0) } })),
        'shape',
        "input 'carry.h': has the shape [2, 4]; the graph declares [2, 3]",
        "where lengths differ from run to run, declare a named axis: ['T', 3]",
      ],
    ),
  ],
  'weights of the wrong length': [
    ...[[1], [1, 1, 0, 1]].map(
      (weights): Case => [
        `${weights.length} weights of edges for 4 steps`,
        () => unroll(net, { steps: 4, credit: { kind: 'weights', weights } }),
        'bad-credit',
        `unroll: has ${weights.length} weights for 4 steps; 4 steps have 3 edges`,
        COUNTED,
      ],
    ),
    ...[[1], [1, 1, 0, 1]].map(
      (weights): Case => [
        `fixed(${weights.join(', ')}) for 4 steps`,
        () => reweight(line, fixed(weights)),
        'bad-credit',
        `fixed(${weights.join(', ')}): has ${weights.length} weights for 4 steps; 4 steps have 3 edges`,
        `${weights.length} weights are for ${weights.length + 1} steps`,
      ],
    ),
    [
      'a report on fixed weights',
      () => estimatorReport(net, data, [fixed([1])], { loss }),
      'bad-credit',
      'fixed(1): has 1 weights for 4 steps; 4 steps have 3 edges',
      '1 weights are for 2 steps',
    ],
    [
      'weights for a named length',
      () => unroll(net, { steps: 'T', credit: { kind: 'weights', weights: [1] } }),
      'bad-credit',
      "unroll: weights are given for a timeline of 'T' steps; fixed weights need a number of steps",
      "credit: { kind: 'input', each: false } reads them at run time",
    ],
    [
      'a row of weights for other examples',
      () => unroll(net, { steps: 3, batch: 2, credit: { kind: 'weights', weights: [[1, 1], [1]] } }),
      'bad-credit',
      'unroll: edge 2 → 3 has 1 weights for 2 examples; an edge has one weight, or one per example',
      'reweight(line, schedule, { each: true }) gives every example its own',
    ],
    [
      'weights per example without a batch',
      () => unroll(net, { steps: 2, credit: { kind: 'weights', weights: [[1]] } }),
      'bad-credit',
      'unroll: edge 1 → 2 has 1 weights for no examples; an edge has one weight, or one per example',
      'reweight(line, schedule, { each: true }) gives every example its own',
    ],
    [
      'a weight that is no number',
      () => unroll(net, { steps: 3, credit: { kind: 'weights', weights: [1, Number.NaN] } }),
      'bad-credit',
      'unroll: edge 2 → 3 has the weight NaN; weights are finite',
      '0 cuts the edge, 1 passes its credit unchanged',
    ],
    [
      'a schedule whose weights are not finite',
      () => reweight(line, { text: 'own', weight: () => Number.POSITIVE_INFINITY }),
      'bad-credit',
      'unroll: edge 1 → 2 has the weight Infinity; weights are finite',
      '0 cuts the edge, 1 passes its credit unchanged',
    ],
    [
      'fixed weights that are not finite',
      () => fixed([1, Number.NaN]),
      'bad-schedule',
      'fixed: the weight of edge 2 is NaN; weights are finite',
      CUTS,
    ],
    ...[3, 5].flatMap((length): Case[] => {
      const weights = filled([length, 2], 1)
      const weighted = of({ weighted: true })
      const open = of({ steps: 'T', weighted: true })
      return [
        [
          `${length} rows of weights of losses, on evaluate`,
          () => evaluate(weighted.graph, given({ weights })),
          'shape',
          `input 'weights': has the shape [${length}, 2]; the graph declares [4, 2]`,
          "where lengths differ from run to run, declare a named axis: ['T', 3]",
        ],
        [
          `${length} rows of weights of losses, checkpointed`,
          () => checkpointed(weighted).run(given({ weights })),
          'shape',
          `input 'weights': has the shape [${length}, 2]; the graph declares [4, 2]`,
          "where lengths differ from run to run, declare a named axis: ['T', 3]",
        ],
        [
          `${length} rows of weights of losses, in windows`,
          () => windowRunner(open, { h: 2 }).run(given({ weights })),
          'shape',
          `input 'weights': makes axis 'T' ${length} long; an earlier input made it 4`,
          'a name stands for one length in a run: give axes that differ different names',
        ],
      ]
    }),
  ],
  'a mask or a reset that is not 0/1': ([0.5, 2, -1, Number.NaN] as const).flatMap(value =>
    (
      [
        ['mask', 'bad-mask', 'a mask is 0 where a step is left out, else 1', MASKED],
        ['reset', 'bad-reset', 'a reset is 1 where a sequence begins, else 0', RESETS],
      ] as const
    ).flatMap(([name, code, rule, hint]) =>
      Object.entries(flagged(name, value)).map(
        ([how, run]): Case => [
          `${name} ${value}, ${how}`,
          run,
          code,
          `input '${name}': is ${value} at place 5; ${rule}`,
          hint,
        ],
      ),
    ),
  ),
  'a reset that is not 0/1, in forward mode': Object.entries({ rtrl, snap, localTraces, uoro }).map(
    ([name, relative]): Case => [
      name,
      () =>
        evaluate(relative(net, { steps: 4, loss, resets: true }), {
          ...one,
          targets: filled([4, 3], 0),
          reset: [0, 0, 0.5, 0],
          ...(name === 'uoro' && { signs: filled([4, 3], 1) }),
        } as Values),
      'bad-reset',
      "input 'reset': is 0.5 at place 2; a reset is 1 where a sequence begins, else 0",
      RESETS,
    ],
  ),
  'a bound of credit that is none': [clipCredit, clipCreditByNorm].flatMap(clip =>
    [0, -1, Number.NaN, '1'].map(
      (max): Case => [
        `${clip.name}, ${typeof max} ${max}`,
        () => graph({ x: [3] }, ({ x }) => ({ y: clip(x, { max: odd(max) }) })),
        'bad-clip',
        `${clip.name}: max is ${typeof max === 'string' ? "'1'" : max}; the bound of credit is a number > 0`,
        'gate(x, { by: 0 }) lets no credit pass',
      ],
    ),
  ),
  'what is no cell': [
    ...Object.entries({
      unroll: (given: never) => unroll(given, { steps: 3 }),
      lagNorms: (given: never) => lagNorms(given, data, loss),
      trajectory: (given: never) => stateSpectrum(given, one),
      estimatorReport: (given: never) => estimatorReport(given, data, [full()], { loss }),
      cellLaws: (given: never) => expectCellLaws(given),
    }).map(
      ([name, run]): Case => [
        `${name}, without sizes`,
        () => run(odd(elman)),
        'bad-cell',
        `${name}: the cell is a function; a cell has a step, and is made with sizes`,
        'elman({ inputs: 2, hidden: 3 }), and likewise what cell({ … }) gives',
      ],
    ),
    [
      'nothing',
      () => unroll(odd(undefined), { steps: 3 }),
      'bad-cell',
      'unroll: the cell is undefined; a cell has a step, and is made with sizes',
      'elman({ inputs: 2, hidden: 3 }), and likewise what cell({ … }) gives',
    ],
    [
      'a model of windows',
      () => unroll(odd(bidirectional(net, net)), { steps: 3 }),
      'bad-cell',
      'unroll: bidirectional(elman, elman) reads whole windows; a cell has a step',
      'model.window({ steps, loss }) is its graph',
    ],
  ],
  'inputs without a batch, or with one too many': [
    [
      'lagNorms',
      () => lagNorms(net, { ...data, xs: one.xs }, loss),
      'shape',
      'lagNorms: xs is [4, 2]; it is [T, B, 2]',
      'one sequence is a batch of 1',
    ],
    [
      'estimatorReport',
      () => estimatorReport(net, odd({ ...data, xs: undefined }), [full()], { loss }),
      'shape',
      'estimatorReport: xs is not given; it is [T, B, 2]',
      'one sequence is a batch of 1',
    ],
    [
      'a trajectory',
      () => stateSpectrum(net, { ...one, xs: data.xs }),
      'shape',
      'trajectory: xs is [4, 2, 2]; it is [T, 2]',
      'one example, without a batch',
    ],
  ],
  'laws that would be tried on nothing': Object.entries({ runs: 0, steps: 0, batch: 0.5, laws: 0 }).map(
    ([name, number]): Case => [
      name,
      () => cellLaws(net, name === 'laws' ? { laws: [] } : { [name]: number }),
      'bad-samples',
      `cellLaws: ${name} is ${number}; laws are tried on a whole number ≥ 1 of them`,
      'leave it out for the usual number',
    ],
  ),
  'what has no types': [
    [
      'one schedule for a list',
      () => estimatorReport(net, data, odd(full()), { loss }),
      'bad-schedule',
      'estimatorReport: schedules are an object; they are a list of schedules and windows',
      '[full(), every(4), { h: 4, every: 2 }]',
    ],
    [
      'a schedule of a report in quotes',
      () => estimatorReport(net, data, odd([full(), 'full']), { loss }),
      'bad-schedule',
      "estimatorReport: schedule 1 is 'full'; it is a schedule, or the sizes of windows",
      '[full(), every(4), { h: 4, every: 2 }]',
    ],
    [
      'a schedule in quotes',
      () => reweight(line, odd('every(3)')),
      'bad-schedule',
      "weightsOf: the schedule is 'every(3)'; a schedule names the weight of every edge",
      MADE,
    ],
    [
      'no schedule',
      () => reweight(line, odd(undefined)),
      'bad-schedule',
      'weightsOf: the schedule is undefined; a schedule names the weight of every edge',
      MADE,
    ],
    [
      'one number for all weights',
      () => fixed(odd(1)),
      'bad-schedule',
      'fixed: weights are 1; they are a list, of one number per edge',
      CUTS,
    ],
    [
      'credit in quotes',
      () => unroll(net, { steps: 3, credit: odd('full') }),
      'bad-credit',
      "unroll: the kind of credit is undefined; it is 'full', 'weights' or 'input'",
      COUNTED,
    ],
    [
      'weights in quotes',
      () => unroll(net, { steps: 3, credit: { kind: 'weights', weights: odd('11') } }),
      'bad-credit',
      "unroll: weights are '11'; they are a list, of one weight or row of weights per edge",
      COUNTED,
    ],
    [
      'a form that is none',
      () => unroll(net, { steps: 3, form: odd('folder') }),
      'bad-form',
      "unroll: form is 'folder'; a timeline is 'folded' or 'flat'",
      "'folded' to run it, 'flat' to look at every step",
    ],
    [
      'norms that are none',
      () => adaptive({ bias: 0.1, norms: odd(undefined) }),
      'bad-schedule',
      'adaptive: norms are none; they are finite numbers ≥ 0, one per lag',
      'lagNorms(cell, batch, loss).mean gives them',
    ],
  ],
}

describe.each(Object.entries(cases))('%s', (_, rows) => {
  test.each(rows)('is refused with its rule and the fix: %s', (_call, run, code, detail, hint) => {
    expect(failure(run)).toEqual([code, `${detail}\nhint: ${hint}`])
  })
})
