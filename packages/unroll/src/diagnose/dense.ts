/** A square matrix of n rows, row-major. Few rows: the Jacobians of small states. */
export interface Square {
  readonly n: number
  readonly data: Float64Array
}

/** a · b. */
export function product(a: Square, b: Square): Square {
  const { n } = a
  const data = new Float64Array(n * n)
  for (let i = 0; i < n; i++)
    for (let k = 0; k < n; k++) {
      const left = a.data[i * n + k]!
      for (let j = 0; j < n; j++) data[i * n + j]! += left * b.data[k * n + j]!
    }
  return { n, data }
}

/** The identity. */
export function identity(n: number): Square {
  const data = new Float64Array(n * n)
  for (let i = 0; i < n; i++) data[i * n + i] = 1
  return { n, data }
}

const size = ({ data }: Square): number => Math.hypot(...data)

/**
 * The spectral radius, the largest |eigenvalue|: lim ‖Aᵏ‖^(1/k) by squaring A 40 times, scaled each time (Gelfand's formula).
 * Relative error about 1e-12, whatever the multiplicities.
 */
export function spectralRadius(a: Square): number {
  let [power, log] = [a, 0]
  let weight = 1
  for (let k = 0; k < 40; k++) {
    const norm = size(power)
    if (norm === 0) return 0
    log += weight * Math.log(norm)
    power = { n: a.n, data: power.data.map(x => x / norm) }
    power = product(power, power)
    weight /= 2
  }
  return Math.exp(log + weight * Math.log(size(power) || 1))
}

/** Singular values, largest first, by one-sided Jacobi rotations. */
export function singularValues({ n, data }: Square): readonly number[] {
  const columns = Array.from({ length: n }, (_, j) =>
    Float64Array.from({ length: n }, (_, i) => data[i * n + j]!),
  )
  for (let sweep = 0; sweep < 60; sweep++) {
    let turned = false
    for (let p = 0; p < n; p++)
      for (let q = p + 1; q < n; q++) turned = rotate(columns[p]!, columns[q]!) || turned
    if (!turned) break
  }
  return columns.map(column => Math.hypot(...column)).sort((a, b) => b - a)
}

/** Makes two columns orthogonal; false where they are. */
function rotate(a: Float64Array, b: Float64Array): boolean {
  const [aa, bb, ab] = [inner(a, a), inner(b, b), inner(a, b)]
  if (Math.abs(ab) <= 1e-15 * Math.sqrt(aa * bb)) return false
  const zeta = (bb - aa) / (2 * ab)
  const t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta))
  const c = 1 / Math.hypot(1, t)
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]!, b[i]!]
    a[i] = c * (x - t * y)
    b[i] = c * (t * x + y)
  }
  return true
}

const inner = (a: Float64Array, b: Float64Array): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0)

/** A = Q R with orthonormal columns of Q and a diagonal of R ≥ 0, by Gram–Schmidt done twice; columns that vanish stay zero. */
export function qr({ n, data }: Square): { readonly q: Square; readonly diagonal: readonly number[] } {
  const columns: Float64Array[] = []
  const diagonal: number[] = []
  for (let j = 0; j < n; j++) {
    const column = Float64Array.from({ length: n }, (_, i) => data[i * n + j]!)
    for (let pass = 0; pass < 2; pass++)
      for (const other of columns) {
        const along = inner(column, other)
        for (let i = 0; i < n; i++) column[i]! -= along * other[i]!
      }
    const norm = Math.hypot(...column)
    diagonal.push(norm)
    columns.push(norm === 0 ? column : column.map(x => x / norm))
  }
  return {
    q: { n, data: Float64Array.from({ length: n * n }, (_, k) => columns[k % n]![Math.floor(k / n)]!) },
    diagonal,
  }
}
