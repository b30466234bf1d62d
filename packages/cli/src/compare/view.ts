import { columns } from '../columns.js'
import { bytes, clock, count, figure, percent, plural, rate, short } from '../format.js'
import type { Unit } from '../material.js'
import { sparkline } from '../spark.js'
import type { Colours } from '../terminal.js'
import type { Race, Standing } from './race.js'
import type { Comparison, Result } from './result.js'

/** What is about to be compared, a row a line. */
export function opening({ material, contenders, seed }: Race, optimizerText: string): string {
  const width = Math.max(...contenders.map(({ label }) => label.length))
  return [
    `  stream     ${material.name}: ${material.size}`,
    `  model      ${material.modelText}; ${optimizerText}; seed ${seed}`,
    ...contenders.map(
      ({ label, meaning }, i) =>
        `  ${i === 0 ? 'estimators' : '          '} ${label.padEnd(width)}  ${meaning}`,
    ),
  ].join('\n')
}

/** The live line: how far the race is, and the loss of each lately. */
export function raceLine(
  { material, limits }: Race,
  events: number,
  standings: readonly Standing[],
  seconds: number,
): string {
  const each = standings.map(
    ({ contender, recent }) => `${contender.label} ${material.unit.text(material.unit.of(recent))}`,
  )
  const steps = limits.steps ?? (limits.seconds === undefined ? material.length : undefined)
  const left = Math.min(
    steps === undefined ? Infinity : ((steps - events) / events) * seconds,
    (limits.seconds ?? Infinity) - seconds,
  )
  const far = steps === undefined ? count(events) : `${count(events)} of ${count(steps)}`
  return [
    `${far} ${material.unit.event}s`,
    ...each,
    `${rate(events / seconds)} a second`,
    `${clock(seconds)}, ${clock(left)} left`,
  ].join(' · ')
}

/** The comparison as a table, the lowest loss first; where it fits into `width`, with the course of each loss. */
export function table({ material, results }: Comparison, paint: Colours, width: number): string {
  const heads = ['estimator', material.unit.short, 'lately', 'segment', 'flops', 'kept', 'bias', 'std']
  const [head = '', ...lines] = columns([heads, ...results.map(result => row(result, material.unit))])
  const room = Math.min(24, width - head.length - 4)
  const body = lines.map((line, i) => {
    const spark = room < 8 ? '' : `  ${paint.cyan(sparkOf(results[i]!.standing, room))}`
    return (i === 0 ? paint.green(line) : line) + spark
  })
  return [paint.bold(head), ...body].map(line => `  ${line}`).join('\n')
}

function row({ standing, quality }: Result, { of, text }: Unit): string[] {
  const { contender, prequential, recent, meanSegment, longestSegment, flops, bytes: kept } = standing
  return [
    contender.label,
    text(of(prequential), true),
    text(of(recent), true),
    `${figure(meanSegment, 1)}/${longestSegment}`,
    short(flops),
    bytes(kept),
    biasText(quality),
    quality === undefined ? '–' : percent(quality.deviation),
  ]
}

/** The bias, with its standard error where random cuts were drawn. */
export function biasText(quality: Result['quality']): string {
  if (quality === undefined) return '–'
  const { bias, biasError } = quality
  return biasError === 0 ? percent(bias) : `${percent(bias).slice(0, -2)}±${percent(biasError)}`
}

const sparkOf = ({ history }: Standing, width: number): string => sparkline(history.loss.values, width)

/** What the columns of the table mean, and what went wrong. */
export function notes({ material, results, gradients, why }: Comparison): string {
  const { unit } = material
  const lines = [
    `${unit.short}: over the whole run, each ${unit.event} met before it is learned from; lately: its last tenth.`,
    'segment: learned from at once, mean/longest; kept: for the gradient at most, in float32.',
    ...(gradients === undefined ? [] : gradientNotes(gradients)),
    ...(why === undefined ? [] : [`bias, std: not measured: ${why}`]),
    ...results.flatMap(({ standing: { contender, broken, events } }) =>
      broken === undefined
        ? []
        : [`${contender.label} broke down after ${plural(events, unit.event)}: ${broken}`],
    ),
  ]
  return lines.map(line => `  ${line}`).join('\n')
}

/** Where bias and deviation were measured. */
export function gradientNotes({ steps, at, patterns }: NonNullable<Comparison['gradients']>): string[] {
  const how = patterns === 0 ? '' : `; random cuts and signs drawn ${count(patterns)} times`
  return [
    `bias, std: of the gradient over the first ${count(steps)} events, relative to full BPTT, at the`,
    `parameters that ${at} reached${how}.`,
  ]
}
