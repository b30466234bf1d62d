import { evaluate, graph, type Values } from '@bptt/graph'
import {
  adaptive,
  bidirectional,
  checkpointed,
  clipCredit,
  clipCreditByNorm,
  elman,
  estimatorReport,
  fixed,
  full,
  lagNorms,
  localTraces,
  reweight,
  rtrl,
  snap,
  stateSpectrum,
  unroll,
  uoro,
  windowRunner,
} from '../src/index.js'
import { cellLaws, expectCellLaws } from '../src/laws/index.js'
import {
  type Case,
  COUNTED,
  CUTS,
  data,
  filled,
  flagged,
  given,
  line,
  loss,
  MADE,
  MASKED,
  net,
  odd,
  of,
  one,
  RESETS,
  refused,
} from './bad-input.js'

refused({
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
})
