/** Answers known beforehand, for faults that leave the laws of a single cell consistent: the lengths of segments. */
export async function knownAnswers(source) {
  const { artbp, every, patternsOf, weightsOf } = await import(new URL('index.js', source))
  const wrong = []
  if (String(weightsOf(every(3), 7)) !== '1,1,0,1,1,0')
    wrong.push('every(3) cuts the edges after steps 3 and 6')
  const [kept] = patternsOf(artbp({ mean: 16, tail: 4 }), 2)
  if (Math.abs(kept.probability - 10 / 11) > 1e-12)
    wrong.push('the first chance of a cut is 1/11 for α = 4, L0 = 16')
  const cutTwice = patternsOf(artbp({ mean: 16, tail: 4 }), 3).find(
    ({ weights }) => String(weights) === '0,0',
  )
  if (Math.abs(cutTwice.probability - 1 / 121) > 1e-12) wrong.push('after a cut the chance is 1/11 again')
  const weights = weightsOf(artbp({ mean: 16, tail: 4, seed: 1 }), 30000)
  const after = weights[weights.indexOf(0) + 1]
  if (weights[0] !== 0 && Math.abs(weights[0] - 1.1) > 1e-12) wrong.push('the age counts from 1')
  if (after !== 0 && Math.abs(after - 1.1) > 1e-12) wrong.push('the age starts anew after a cut')
  const segments = weights.filter(weight => weight === 0).length
  if (Math.abs(30000 / segments - 16) > 2) wrong.push('segments have the mean length L0')
  return wrong
}
