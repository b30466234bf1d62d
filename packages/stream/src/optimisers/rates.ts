import { add, cos, div, floor, GraphError, max, min, mul, pow, rsqrt, sub } from '@bptt/graph'
import { checkRate, type Rate, type RateSchedule, rateText } from './rate.js'
import { checkAmount, checkCount } from './settings.js'

// Every schedule counts updates, t = 0 at the first.

/**
 * rate / √(1 + t/over), the inverse square root decay: half the rate after 3 · over updates. Its sum diverges and steps still shrink.
 * @param over updates over which it begins to fall; 1 is rate/√(1 + t).
 * @throws GraphError `bad-setting`.
 */
export function inverseSqrt(rate: number, over: number = 1): RateSchedule {
  checkRate('inverseSqrt', rate)
  checkLength('inverseSqrt', 'over', over)
  return {
    text: over === 1 ? `inverseSqrt(${rate})` : `inverseSqrt(${rate}, ${over})`,
    at: t => mul(rsqrt(add(div(t, over), 1)), rate),
  }
}

/**
 * rate · factor^⌊t/every⌋: the rate falls by `factor` at once after every so many updates. PyTorch's StepLR.
 * @param factor in (0, 1].
 * @throws GraphError `bad-setting`.
 */
export function stepDecay(
  rate: number,
  { every, factor }: { readonly every: number; readonly factor: number },
): RateSchedule {
  checkRate('stepDecay', rate)
  checkCount('stepDecay', 'every', every)
  checkFactor('stepDecay', factor)
  return {
    text: `stepDecay(${rate}, every ${every}, factor ${factor})`,
    at: t => mul(pow(factor, floor(div(t, every))), rate),
  }
}

/**
 * rate · factor^(t/every): falls by `factor` over every so many updates, evenly. With `every` 1, PyTorch's ExponentialLR.
 * @param factor in (0, 1].
 * @throws GraphError `bad-setting`.
 */
export function exponentialDecay(
  rate: number,
  { factor, every = 1 }: { readonly factor: number; readonly every?: number },
): RateSchedule {
  checkRate('exponentialDecay', rate)
  checkLength('exponentialDecay', 'every', every)
  checkFactor('exponentialDecay', factor)
  return {
    text: `exponentialDecay(${rate}, factor ${factor}${every === 1 ? '' : `, every ${every}`})`,
    at: t => mul(pow(factor, div(t, every)), rate),
  }
}

/**
 * end + (rate − end) (1 + cos(π t/updates))/2 up to t = updates, and `end` from there on (Loshchilov & Hutter, SGDR, 2017, eq. 5).
 * @throws GraphError `bad-setting`.
 */
export function cosineDecay(
  rate: number,
  { updates, end = 0 }: { readonly updates: number; readonly end?: number },
): RateSchedule {
  checkRate('cosineDecay', rate)
  checkCount('cosineDecay', 'updates', updates)
  checkAmount('cosineDecay', 'end', end)
  return {
    text: `cosineDecay(${rate}, ${updates}${end === 0 ? '' : `, end ${end}`})`,
    at: t => {
      const wave = cos(mul(min(div(t, updates), 1), Math.PI))
      return add(mul(add(wave, 1), (rate - end) / 2), end)
    },
  }
}

/**
 * Rises in equal steps: (t + 1)/(updates + 1) of the rate at its start, then the rate itself, whose t begins at 0 there.
 * @throws GraphError `bad-setting`.
 */
export function warmUp(updates: number, rate: Rate): RateSchedule {
  checkCount('warmUp', 'updates', updates)
  checkRate('warmUp', rate)
  return {
    text: `warmUp(${updates}, ${rateText(rate)})`,
    at: t => {
      const rise = min(div(add(t, 1), updates + 1), 1)
      return mul(rise, typeof rate === 'number' ? rate : rate.at(max(sub(t, updates), 0)))
    },
  }
}

function checkLength(where: string, name: string, updates: number): void {
  if (!(updates > 0 && updates < Number.POSITIVE_INFINITY))
    throw new GraphError('bad-setting', where, `${name} is ${updates}; it is a number of updates > 0`)
}

function checkFactor(where: string, factor: number): void {
  if (!(factor > 0 && factor <= 1))
    throw new GraphError('bad-setting', where, `factor is ${factor}; it is in (0, 1]`)
}
