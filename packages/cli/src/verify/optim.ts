import {
  add,
  div,
  filled,
  type Graph,
  graph,
  isRef,
  isShape,
  leaves,
  mul,
  type Ref,
  type Shape,
  type Tensor,
  type Tree,
} from '@bptt/graph'
import {
  adagrad,
  adam,
  adamw,
  chain,
  clipByGlobalNorm,
  type Optimizer,
  type Rate,
  rmsprop,
  sgd,
} from '@bptt/stream'
import { type Case, caseAt, paramGradsAt, paramsAt } from './case.js'
import { compare, type Finding, type Named, type Pair, pairOf, pairUp, unchecked } from './compare.js'
import { bad, field, items, numberAt, optional, type Spot, textAt } from './read.js'
import { lineOf, type Runner, renamed, run, runnerOf } from './run.js'

/** Runs of optimisers: losses, gradients and clipping of every update, and the updates of the kinds there are. */
export function checkOptim(spot: Spot, name: string): readonly Finding[] {
  const batches = items(field(spot, 'batches')).map(data => caseAt(spot, name, data))
  if (batches.length === 0) throw bad(field(spot, 'batches'), 'it must have at least one batch', 'empty')
  for (const [i, { values }] of batches.entries())
    if (!values.has('targets'))
      throw bad(items(field(spot, 'batches'))[i]!, 'a batch has targets', 'without targets')
  const slope = runnerOf(batches[0]!, lineOf(batches[0]!))
  return items(field(spot, 'runs')).flatMap(at => checkRun(at, batches, slope))
}

/** One recorded update: the parameters before and after it, and its gradients as computed here. */
interface Taken {
  readonly spot: Spot
  readonly before: Named
  readonly after: Named
  readonly loss: number
  readonly gradients: Named
}

function checkRun(spot: Spot, batches: readonly Case[], slope: Runner): readonly Finding[] {
  const of = batches[0]!
  const title = textAt(field(spot, 'name'))
  const taken = takenAt(spot, batches, slope)
  const maxNorm = optional(spot, 'max_norm')
  const clip = maxNorm === undefined ? undefined : numberAt(maxNorm)
  const losses = compare(
    of.name,
    `${title}: gradients`,
    taken.flatMap((step, i) => stepPairs(of, step, i, clip)),
  )
  const made = optimizerAt(spot)
  const entry = `${title}: updates`
  if (typeof made === 'string') return [losses, unchecked(of.name, entry, made)]
  const clipped = clip === undefined ? made : chain(clipByGlobalNorm(clip), made)
  return [losses, compare(of.name, entry, updatePairs(of, taken, clipped))]
}

function takenAt(spot: Spot, batches: readonly Case[], slope: Runner): readonly Taken[] {
  const { model, values } = batches[0]!
  let before: Named = new Map([...values].filter(([name]) => name.startsWith('params.')))
  return items(field(spot, 'steps'), batches.length).map((at, i) => {
    const { outputs, gradients } = slope(new Map([...batches[i]!.values, ...before]))
    const after = paramsAt(field(at, 'params_after'), model)
    const taken = { spot: at, before, after, loss: outputs.get('loss')!.data[0]!, gradients }
    before = after
    return taken
  })
}

function stepPairs(
  of: Case,
  { spot, loss, gradients }: Taken,
  i: number,
  clip: number | undefined,
): readonly Pair[] {
  const params = [...gradients].filter(([name]) => name.startsWith('params.'))
  const norm = Math.hypot(...params.flatMap(([, { data }]) => [...data]))
  const factor = clip === undefined ? 1 : Math.min(1, clip / (norm + 1e-6))
  return [
    pairOf(`step ${i}: loss`, loss, numberAt(field(spot, 'loss'))),
    ...pairUp(`step ${i}: `, gradients, paramGradsAt(field(spot, 'grads'), of)),
    pairOf(`step ${i}: grad_norm`, norm, numberAt(field(spot, 'grad_norm'))),
    pairOf(`step ${i}: clip_coef`, factor, numberAt(field(spot, 'clip_coef'))),
  ]
}

/** The optimiser of a run, or why there is none. */
function optimizerAt(spot: Spot): Optimizer | string {
  const kind = textAt(field(spot, 'optimizer'))
  const hyper = field(spot, 'hyper')
  return makers.get(kind)?.(hyper) ?? `@bptt/stream has no ${kind}`
}

const sgdAt = (hyper: Spot): Optimizer =>
  sgd(numberAt(field(hyper, 'lr')), {
    momentum: setting(hyper, 'momentum'),
    dampening: setting(hyper, 'momentum') === 0 ? 0 : setting(hyper, 'dampening'), // PyTorch reads it with a momentum only
    nesterov: flag(hyper, 'nesterov'),
    weightDecay: setting(hyper, 'weight_decay'),
  })

const rmspropAt = (hyper: Spot): Optimizer =>
  rmsprop(numberAt(field(hyper, 'lr')), {
    alpha: numberAt(field(hyper, 'alpha')),
    eps: numberAt(field(hyper, 'eps')),
    momentum: setting(hyper, 'momentum'),
    centered: flag(hyper, 'centered'),
    weightDecay: setting(hyper, 'weight_decay'),
  })

const adagradAt = (hyper: Spot): Optimizer => {
  const [lr, decay] = [numberAt(field(hyper, 'lr')), setting(hyper, 'lr_decay')]
  const falling: Rate = { text: `${lr}/(1 + ${decay} t)`, at: t => div(lr, add(mul(t, decay), 1)) }
  return adagrad(decay === 0 ? lr : falling, {
    eps: numberAt(field(hyper, 'eps')),
    initial: setting(hyper, 'initial_accumulator_value'),
    weightDecay: setting(hyper, 'weight_decay'),
  })
}

const adamAt =
  (make: typeof adam) =>
  (hyper: Spot): Optimizer => {
    const [b1, b2] = items(field(hyper, 'betas'), 2).map(numberAt) as [number, number]
    return make(numberAt(field(hyper, 'lr')), {
      b1,
      b2,
      eps: numberAt(field(hyper, 'eps')),
      weightDecay: setting(hyper, 'weight_decay'),
      amsgrad: flag(hyper, 'amsgrad'),
    })
  }

/** Optimisers by PyTorch's names. */
const makers: ReadonlyMap<string, (hyper: Spot) => Optimizer> = new Map([
  ['SGD', sgdAt],
  ['RMSprop', rmspropAt],
  ['Adagrad', adagradAt],
  ['Adam', adamAt(adam)],
  ['AdamW', adamAt(adamw)],
])

const flag = (hyper: Spot, name: string): boolean => optional(hyper, name)?.value === true

const setting = (hyper: Spot, name: string): number => {
  const at = optional(hyper, name)
  return at === undefined ? 0 : numberAt(at)
}

/** Parameters after every update and, more sharply, what was added to them. */
function updatePairs(of: Case, taken: readonly Taken[], optimizer: Optimizer): readonly Pair[] {
  const made = updateGraph(of, optimizer)
  let slots = new Map<string, Tensor>(
    leaves(optimizer.slots(of.model.cell.params), isShape, 'slots').map(([name, shape]) => [
      `slots.${name}`,
      filled(shape as readonly number[], 0),
    ]),
  )
  return taken.flatMap(({ before, after, gradients }, i) => {
    const results = run(made, {
      ...Object.fromEntries([...before, ...slots]),
      ...slopesOf(of, gradients),
      count: filled([], i),
    })
    slots = new Map([...results].filter(([name]) => name.startsWith('slots.')))
    return [
      ...pairUp(`step ${i}: after `, renamed(of, results, ''), renamed(of, after, '')),
      ...pairUp(`step ${i}: change of `, changed(of, before, results), changed(of, before, after)),
    ]
  })
}

/** What an update added to the parameters, by the names of the file. */
function changed(of: Case, before: Named, after: Named): Named {
  const found = [...before].map(([name, { shape, data }]) => {
    const now = after.get(name)!.data
    return [name, { shape, data: data.map((x, i) => now[i]! - x) }] as const
  })
  return renamed(of, new Map(found), '')
}

function slopesOf({ model }: Case, gradients: Named): Readonly<Record<string, Tensor>> {
  const found = [...model.names].filter(([ours]) => ours.startsWith('params.'))
  return Object.fromEntries(
    found.map(([ours, theirs]) => [ours.replace('params.', 'gradients.'), gradients.get(theirs)!]),
  )
}

interface UpdateInputs {
  readonly params: Tree<Ref>
  readonly gradients: Tree<Ref>
  readonly slots?: Tree<Ref>
  readonly count: Ref
}

/** One update as a graph: parameters, gradients and slots to new parameters and slots. */
function updateGraph({ model }: Case, optimizer: Optimizer): Graph {
  const { params } = model.cell
  const slots = optimizer.slots(params)
  const inputs: Tree<Shape> = { params, gradients: params, slots, count: [] }
  return graph(inputs, refs => {
    const given = refs as unknown as UpdateInputs
    const site = { params: given.params, slots: given.slots ?? {}, count: given.count }
    const made = optimizer.update(given.gradients, site)
    const added = new Map(leaves(made.updates, isRef, 'updates'))
    const next = leaves(given.params, isRef, 'params').map(
      ([name, p]) => [`params.${name}`, add(p, added.get(name)!)] as const,
    )
    return Object.fromEntries([
      ...next,
      ...leaves(made.slots, isRef, 'slots').map(([name, slot]) => [`slots.${name}`, slot] as const),
    ])
  })
}
