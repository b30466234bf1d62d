import { compiledAnswers } from './compiled.mjs'
import { gatesStay } from './gates.mjs'

/** Answers known beforehand, for faults that leave value and derivative consistent: stability at large numbers, memory of programs, joined gates. */
export async function knownAnswers(source) {
  const { softmaxOp } = await import(new URL('ops/softmax.js', source))
  const { logSumExpOp } = await import(new URL('ops/reduce.js', source))
  const x = { shape: [2], data: Float64Array.of(1000, 1000) }
  const run = (spec, shape) =>
    spec.forward([x], { attrs: { axes: [0] }, shapes: [shape], bindings: new Map() })[0].data[0]
  const wrong = []
  if (run(softmaxOp.spec, [2]) !== 0.5) wrong.push('softmax of two equal large numbers is one half')
  if (Math.abs(run(logSumExpOp.spec, [1]) - 1000 - Math.LN2) > 1e-9)
    wrong.push('logSumExp of two equal large numbers is theirs and ln 2')
  if (!(await gatesStay(source))) wrong.push('joining gates keeps values, and makes one product of several')
  return [...wrong, ...(await compiledAnswers(source))]
}
