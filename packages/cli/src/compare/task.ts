import { type Loss, mul, square, sub } from '@bptt/graph'
import { type Sample, softmaxCrossEntropy, squaredError } from '@bptt/stream'
import { noMoments, observe } from '@bptt/stream/sources'
import { type Cell, constant, withInit } from '@bptt/unroll'
import type { CellName } from '../commands/model.js'
import { type TaskName, tasks } from '../commands/tasks.js'
import { Failure } from '../failure.js'
import { bits, figure, significant } from '../format.js'
import { type Material, modelTextOf, type Unit } from '../material.js'
import { cellOf } from '../model.js'
import { whole } from '../options.js'
import { lossOf, unitOf } from '../records/loss.js'
import { type Numbers, noScale, scaleOf, toScale } from '../records/scale.js'
import { numberYardsticks } from '../records/yardsticks.js'
import { balancing, optimum, start } from '../reproduce/balancing.js'
import { events } from '../source.js'
import { classYardsticks } from './class-yardsticks.js'
import { type Made, makers } from './tasks.js'

/** The model that learns a task. */
interface Learner {
  readonly cell: CellName
  readonly hidden: number
  readonly seed: number
}

/**
 * A task as it is written: `copy`, or `copy:20`.
 * @throws Failure that names the tasks, or the range of the number.
 */
export function taskMaterial(text: string, learner: Learner): Material {
  const [, name = '', given] = /^([a-z-]+)(?::(.+))?$/.exec(text) ?? []
  if (!isTask(name))
    throw new Failure(`--task must be one of ${Object.keys(tasks).join(', ')}, but is '${text}'`)
  const { size } = tasks[name]
  if (size === undefined && given !== undefined)
    throw new Failure(`--task ${name} takes no number, but is '${text}'`)
  const number = given === undefined ? (size?.usual ?? 0) : whole(`--task ${name}`, size!.least, 1e6)(given)
  const made = makers[name](number, learner.seed)
  return {
    ...materialOf(made, learner),
    kind: 'task',
    name: `the task ${text}`,
    size: made.text,
    length: undefined,
  }
}

const isTask = (name: string): name is TaskName => Object.hasOwn(tasks, name)

type Rest = Omit<Material, 'kind' | 'name' | 'size' | 'length'>

function materialOf(made: Made, learner: Learner): Rest {
  const { output } = made
  if (output === undefined) return balancingMaterial(made)
  if ('classes' in output) return classMaterial(made, output.classes, learner)
  return numberMaterial(made, output, learner)
}

/** How a made task is read: on a scale, or as it is. */
const read =
  ({ from }: Made, change: (sample: Sample) => Sample = sample => sample): Material['samples'] =>
  reading =>
    events({ length: undefined, from: at => mapped(from(at), change) }, reading)

function* mapped(
  samples: Iterable<Sample>,
  change: (sample: Sample) => Sample,
): Generator<Sample, void, void> {
  for (const sample of samples) yield change(sample)
}

function numberMaterial(
  made: Made,
  { numbers, scaled }: { readonly numbers: number; readonly scaled: boolean },
  { cell, hidden }: Learner,
): Rest {
  const model = cellOf({ cell, hidden, inputs: made.inputs, outputs: numbers })
  const scales = scaled ? scalesOf(made, numbers) : { input: noScale(made.inputs), target: noScale(numbers) }
  const unit: Unit = { ...unitOf('squared', scales.target), event: 'step', brief: 'step' }
  const onScale = (sample: Sample): Sample => ({
    ...sample,
    input: toScale(scales.input, sample.input as readonly number[]),
    target: toScale(scales.target, sample.target as readonly number[]),
  })
  return {
    model,
    modelText: modelTextOf(cell, hidden, model),
    loss: squaredError,
    unit,
    toBeat: 'the mean of the targets so far, and the last target',
    yardsticks: state => numberYardsticks(numbers, unit, lossOf('squared').of, state),
    samples: read(made, onScale),
  }
}

/** Mean 0 and deviation 1 over the first thousand events. */
function scalesOf({ from, inputs }: Made, outputs: number): Numbers {
  let [input, target, seen] = [noMoments(inputs), noMoments(outputs), 0]
  for (const sample of from(0)) {
    input = observe(input, sample.input as readonly number[])
    target = observe(target, sample.target as readonly number[])
    if (++seen === 1000) break
  }
  const all = (width: number): boolean[] => Array<boolean>(width).fill(true)
  return { input: scaleOf(input, all(inputs)), target: scaleOf(target, all(outputs)) }
}

const bitsPerSymbol: Unit = {
  name: 'bits per symbol',
  short: 'bits/symbol',
  event: 'symbol',
  brief: 'symbol',
  of: bits,
  text: (value, fine = false) => figure(value, fine ? 3 : 2),
}

function classMaterial(made: Made, classes: number, { cell, hidden }: Learner): Rest {
  const model = cellOf({ cell, hidden, inputs: made.inputs, outputs: classes })
  return {
    model,
    modelText: modelTextOf(cell, hidden, model),
    loss: softmaxCrossEntropy,
    unit: bitsPerSymbol,
    toBeat: 'all symbols equally likely, and as frequent as so far',
    yardsticks: () => classYardsticks(classes, bits),
    samples: read(made),
  }
}

/** The loss of influence balancing, of a scalar. */
const halfSquare: Loss = (y, target) => mul(square(sub(y, target)), 0.5)

const plainLoss: Unit = {
  name: 'loss',
  short: 'loss',
  event: 'step',
  brief: 'step',
  of: loss => loss,
  text: (value, fine = false) => significant(value, fine ? 4 : 3),
}

function balancingMaterial(made: Made): Rest {
  const model: Cell = withInit(balancing(), { theta: constant(start) })
  return {
    model,
    modelText: `a linear net of 23 numbers with one parameter, θ = ${start}`,
    loss: halfSquare,
    unit: plainLoss,
    toBeat: `0, at θ = ${figure(optimum, 3)}`,
    yardsticks: () => ({ see: () => {}, baselines: [], state: undefined }),
    samples: read(made),
  }
}
