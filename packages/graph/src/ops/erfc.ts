/** Coefficients from Sun's fdlibm `s_erf.c` (1993); highest power first. */
const near = {
  top: [
    -2.3763016656650163e-5, -0.005770270296489442, -0.02848174957559851, -0.3250421072470015,
    0.12837916709551256,
  ],
  bottom: [
    -3.960228278775368e-6, 0.00013249473800432164, 0.005081306281875766, 0.0650222499887673,
    0.39791722395915535, 1,
  ],
}
const middle = {
  top: [
    -0.002166375594868791, 0.035478304325618236, -0.11089469428239668, 0.31834661990116175,
    -0.3722078760357013, 0.41485611868374833, -0.0023621185607526594,
  ],
  bottom: [
    0.011984499846799107, 0.01363708391202905, 0.12617121980876164, 0.07182865441419627, 0.540397917702171,
    0.10642088040084423, 1,
  ],
}
const far = {
  top: [
    -9.814329344169145, -81.2874355063066, -184.60509290671104, -162.39666946257347, -62.375332450326006,
    -10.558626225323291, -0.6938585727071818, -0.009864944034847148,
  ],
  bottom: [
    -0.0604244152148581, 6.570249770319282, 108.63500554177944, 429.00814002756783, 645.3872717332679,
    434.56587747522923, 137.65775414351904, 19.651271667439257, 1,
  ],
}
const farther = {
  top: [
    -483.5191916086514, -1025.0951316110772, -637.5664433683896, -160.63638485582192, -17.757954917754752,
    -0.799283237680523, -0.0098649429247001,
  ],
  bottom: [
    -22.44095244658582, 474.52854120695537, 2553.0504064331644, 3199.8582195085955, 1536.729586084437,
    325.7925129965739, 30.33806074348246, 1,
  ],
}

interface Rational {
  readonly top: readonly number[]
  readonly bottom: readonly number[]
}

function polynomial(coefficients: readonly number[], x: number): number {
  let value = 0
  for (let i = 0; i < coefficients.length; i++) value = value * x + coefficients[i]!
  return value
}

const ratio = ({ top, bottom }: Rational, x: number): number => polynomial(top, x) / polynomial(bottom, x)

/** erf 1 rounded to 24 bits, which `middle` is relative to. */
const erfOne = 0.8450629115104675

/**
 * The complementary error function 1 − erf x, within a few units in the last place; 2 at −∞, 0 at ∞.
 * Rational approximations and the split of −x² of fdlibm's `s_erf.c`.
 */
export function erfc(x: number): number {
  const size = Math.abs(x)
  if (size < 0.84375) return 1 - (x + x * ratio(near, x * x))
  if (size < 1.25) {
    const offset = ratio(middle, size - 1)
    return x < 0 ? 1 + erfOne + offset : 1 - erfOne - offset
  }
  if (size > 28) return x > 0 ? 0 : 2
  const head = Math.fround(size)
  const rest = ratio(size < 1 / 0.35 ? far : farther, 1 / (size * size))
  const tail = (Math.exp(-head * head - 0.5625) * Math.exp((head - size) * (head + size) + rest)) / size
  return x < 0 ? 2 - tail : tail
}
