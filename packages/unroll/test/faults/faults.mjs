/**
 * Faults that are planted one at a time in a copy of the source; the laws must catch each. Text that is found stands
 * exactly once in its file; a fault that `needs` the engine gets it as `engine`; one that names a `law` must be caught by the laws with
 * that text in their names alone. `npm run faults unroll` tries them all.
 */
export const faults = [
  // Schedules and patterns
  {
    breaks: 'blocks are one step too long: the first cut comes late',
    file: 'schedule.ts',
    find: '(t % K === offset ? 0 : 1)',
    replace: '((t - 1) % K === offset && t > 1 ? 0 : 1)',
  },
  {
    breaks: 'the age is not started anew by a cut',
    file: 'schedule.ts',
    find: 'age = weight === 0 ? 1 : age + 1',
    replace: 'age = age + 1',
  },
  {
    breaks: 'the age counts from 0',
    file: 'schedule.ts',
    find: 'let age = 1',
    replace: 'let age = 0',
  },
  {
    breaks: 'compensation is 1/c',
    file: 'schedule.ts',
    find: 'chance: ({ age }) => ({ cut: hazard(age), kept: 1 / (1 - hazard(age)) }),',
    replace: 'chance: ({ age }) => ({ cut: hazard(age), kept: 1 / hazard(age) }),',
  },
  {
    breaks: 'compensation once per segment instead of per step',
    file: 'schedule.ts',
    find: 'chance: ({ age }) => ({ cut: hazard(age), kept: 1 / (1 - hazard(age)) }),',
    replace: 'chance: ({ age }) => ({ cut: hazard(age), kept: age === 1 ? 1 / (1 - hazard(age)) : 1 }),',
  },
  {
    breaks: 'no compensation',
    file: 'schedule.ts',
    find: 'chance: ({ age }) => ({ cut: hazard(age), kept: 1 / (1 - hazard(age)) }),',
    replace: 'chance: ({ age }) => ({ cut: hazard(age), kept: 1 }),',
  },
  {
    breaks: 'cuts that are not repaid are repaid',
    file: 'schedule.ts',
    find: 'chance: () => ({ cut: c, kept: 1 }),',
    replace: 'chance: () => ({ cut: c, kept: 1 / (1 - c) }),',
  },
  {
    breaks: 'the drawn weight is not repaid',
    file: 'schedule.ts',
    find: '(toss < c ? 0 : 1 / (1 - c))',
    replace: '(toss < c ? 0 : 1)',
  },
  {
    breaks: 'patterns forget the probability of keeping',
    file: 'patterns.ts',
    find: 'probability: probability * (1 - cut)',
    replace: 'probability',
  },
  {
    breaks: 'patterns keep the age over a cut',
    file: 'patterns.ts',
    find: 'weights: [...weights, 0], age: 1 }',
    replace: 'weights: [...weights, 0], age: age + 1 }',
  },

  // Edges
  {
    breaks: 'the gate sits on the wrong edge: one step late',
    file: 'unroll.ts',
    find: 'return steps === 1 ? undefined : tensor([first, ...rows])',
    replace: 'return steps === 1 ? undefined : tensor([...rows, first])',
  },
  {
    breaks: 'the gate multiplies the value too',
    file: 'edge.ts',
    find: 'gate(probed, { by: aligned(now.credit, rank) })',
    replace: 'engine.mul(probed, aligned(now.credit, rank))',
    needs: true,
  },
  {
    breaks: 'the carry is detached, and in value too, at a cut',
    file: 'edge.ts',
    find: 'gate(probed, { by: aligned(now.credit, rank) })',
    replace: '(isRef(now.credit) ? where(aligned(now.credit, rank) as Ref, probed, 0) : probed)',
  },
  {
    breaks: 'only the first part of the carry is gated',
    file: 'edge.ts',
    find: 'const probed = probe === undefined ? value',
    replace:
      'if (cell.carry instanceof Object && value !== leaves(carry, isRef, cell.name)[0]![1]) return value\n    const probed = probe === undefined ? value',
  },
  {
    breaks: 'no gate at all',
    file: 'edge.ts',
    find: 'now.credit === undefined ? probed',
    replace: 'rank >= 0 ? probed',
  },
  {
    breaks: 'a masked step moves the carry',
    file: 'edge.ts',
    find: 'value, before.get(name)!)',
    replace: 'value, value)',
  },
  {
    breaks: 'a masked step adds its loss',
    file: 'unroll.ts',
    find: 'inputs.mask === undefined ? all : where(inputs.mask, all, 0)',
    replace: 'all',
  },
  {
    breaks: 'a mask has the opposite sense',
    file: 'edge.ts',
    find: 'where(maskOf(now.mask!, options, rank), value, before.get(name)!)',
    replace: 'where(maskOf(now.mask!, options, rank), before.get(name)!, value)',
  },
  {
    breaks: 'a reset does nothing',
    file: 'edge.ts',
    find: 'where(maskOf(now.reset, options, rank), 0, gated)',
    replace: 'gated',
  },
  {
    breaks: 'a flat timeline reads the input of the step before',
    file: 'unroll.ts',
    find: 'x: at(inputs.xs)!, credit',
    replace: 'x: index(inputs.xs, { at: Math.max(0, t - 1) }), credit',
  },

  // Windows
  {
    breaks: 'a window starts one step late',
    file: 'plan.ts',
    find: 'first: Math.max(1, last - h + 1)',
    replace: 'first: Math.min(last, Math.max(1, last - h + 2))',
  },
  {
    breaks: 'a window starts one step early',
    file: 'plan.ts',
    find: 'first: Math.max(1, last - h + 1)',
    replace: 'first: Math.max(1, last - h)',
  },
  {
    breaks: 'a window takes the losses of all its steps',
    file: 'windows.ts',
    find: 'start: from - first, size: last - from + 1',
    replace: 'start: 0, size: last - from + 1',
  },
  {
    breaks: 'the start of a window is no constant',
    file: 'windows.ts',
    find: 'stopGradient(value)',
    replace: 'value',
  },
  {
    breaks: 'a window starts from the initial carry',
    file: 'windows.ts',
    find: 'if (first === 1) return initial',
    replace: 'if (first >= 1) return initial',
  },
  {
    breaks: 'the carries of windows are those of one step before',
    file: 'windows.ts',
    find: 'at, first - 1, silent, carry)',
    replace: 'at, Math.max(at, first - 2), silent, carry)',
  },
  {
    breaks: 'lag accounting is off by one',
    file: 'plan.ts',
    find: 'from + i - first + 1)',
    replace: 'from + i - first)',
  },

  // Reweighting
  {
    breaks: 'patches are not undone',
    file: 'reweight.ts',
    find: 'applyTo(creditDocument(line), patches)',
    replace: 'creditDocument(line)',
  },

  // Checkpoints
  {
    breaks: 'a checkpointed gradient forgets the credit that comes in',
    file: 'checkpoint/run.ts',
    find: "state.bar = under(made, 'gradient.carry')",
    replace: "state.bar = zeros(under(made, 'gradient.carry'))",
  },
  {
    breaks: 'a checkpointed gradient reads the weight of the next edge',
    file: 'checkpoint/run.ts',
    find: 'credit.weights[t - 2]!',
    replace: 'credit.weights[Math.min(t - 1, credit.weights.length - 1)]!',
  },
  {
    breaks: 'states are never dropped',
    file: 'checkpoint/run.ts',
    find: 'state.held.delete(t)',
    replace: 'state.held.has(t)',
  },
  {
    breaks: 'a checkpointed gradient keeps the last step only',
    file: 'checkpoint/run.ts',
    find: "combinedTwo(state.read, under(made, 'gradient.f'))",
    replace: "under(made, 'gradient.f')",
  },

  // Forward mode
  {
    breaks: 'RTRL without the influence of before',
    file: 'forward/influence.ts',
    find: 'matmul(J, before[i]! as never)',
    replace: 'mul(matmul(J, before[i]! as never), 0)',
  },
  {
    breaks: 'RTRL without weights on its edges',
    file: 'forward/influence.ts',
    find: ']!, credit))',
    replace: ']!, undefined))',
  },
  {
    breaks: 'RTRL adds the loss before the step acts',
    file: 'forward/influence.ts',
    find: "contract(direct.next, after[i]!, { spec: 'S,SP->P' })",
    replace: "contract(direct.next, before[i]!, { spec: 'S,SP->P' })",
  },
  {
    breaks: 'RTRL with the Jacobian transposed',
    file: 'forward/influence.ts',
    find: 'const J = kept.state === undefined ? made.state :',
    replace: 'const J = kept.state === undefined ? engine.transpose(made.state) :',
    needs: true,
  },

  // Credit as products of Jacobians
  {
    breaks: 'a Jacobian has the rows of the first part of the carry alone',
    law: '(22)',
    file: 'forward/step.ts',
    find: 'dots.reduce((all, one) => add(all, one))',
    replace: 'dots[0]!',
  },
  {
    breaks: 'a Jacobian is transposed',
    law: '(45)',
    file: 'forward/jacobian.ts',
    find: "return { state: made['state']!,",
    replace: "return { state: engine.transpose(made['state']!),",
    needs: true,
  },
  {
    breaks: 'singular values come smallest first',
    law: 'what BPTT(K; 1) leaves out',
    file: 'diagnose/dense.ts',
    find: '.sort((a, b) => b - a)',
    replace: '.sort((a, b) => a - b)',
  },

  // The relatives of BPTT, and closed forms
  {
    breaks: 'UORO does not divide its second vector by r0',
    law: '(40)',
    file: 'forward/uoro.ts',
    find: 'add(div(old[i]!, r0), div(local[i]!, r1))',
    replace: 'add(old[i]!, div(local[i]!, r1))',
  },
  {
    breaks: 'SnAp keeps the influence of one step, whatever its order',
    law: 'SnAp',
    file: 'forward/support.ts',
    find: 'for (let k = 1; k < n; k++)',
    replace: 'for (let k = 1; k < 1; k++)',
  },
  {
    breaks: 'local traces pass from unit to unit, and not within one',
    law: 'local traces are',
    file: 'forward/support.ts',
    find: 'unit[Math.floor(k / size)] === unit[k % size] ? 1 : 0',
    replace: 'unit[Math.floor(k / size)] === unit[k % size] ? 0 : 1',
  },
  {
    breaks: 'local traces are those of RTRL',
    law: '(42)',
    file: 'forward/index.ts',
    find: 'influence(cell, options, { state: unitMask(cell) })',
    replace: 'influence(cell, options)',
  },
  {
    breaks: 'a window goes back two steps more',
    law: '(43)',
    file: 'plan.ts',
    find: 'first: Math.max(1, last - h + 1)',
    replace: 'first: Math.max(1, last - h - 1)',
  },
  {
    breaks: 'a window never goes back to the first step',
    law: '(44)',
    file: 'plan.ts',
    find: 'first: Math.max(1, last - h + 1)',
    replace: 'first: Math.max(Math.min(2, last), last - h + 1)',
  },
  {
    breaks: 'a window has the weights of the next edges',
    law: '(26)',
    file: 'windows.ts',
    find: '.slice(first - 1, last - 1)',
    replace: '.slice(first, last)',
  },
  {
    breaks: 'the norms of lags are in the order of time',
    law: '(27)',
    file: 'diagnose/lags.ts',
    find: 'data.subarray((t - 1 - k) * size, (t - k) * size)',
    replace: 'data.subarray(k * size, (k + 1) * size)',
  },
  {
    breaks: 'no credit reaches the first carry',
    law: '(28–31)',
    file: 'unroll.ts',
    find: '    carry: inputs.carry,',
    replace: '    carry: mapTree(inputs.carry, isRef, value => engine.stopGradient(value)),',
    needs: true,
  },
  {
    breaks: 'the power law has another scale',
    law: '(37)',
    file: 'schedule.ts',
    find: '(tail - 2) * mean + age',
    replace: '(tail - 1) * mean + age',
  },
]
