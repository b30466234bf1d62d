/** Listeners that are told values in order: all of them one value before any of them the next. */
export class Observers<T> {
  readonly #observers = new Set<(value: T) => void>()
  readonly #waiting: T[] = []
  #telling = false

  /** Adds a listener; returns the way to remove it. */
  add(observer: (value: T) => void): () => void {
    const own = (value: T): void => observer(value)
    this.#observers.add(own)
    return () => {
      this.#observers.delete(own)
    }
  }

  /** Tells a value, after those that wait; every listener hears it, then the first error any of them threw is thrown. */
  notify(value: T): void {
    this.#waiting.push(value)
    if (this.#telling) return
    this.#telling = true
    const errors: unknown[] = []
    try {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
        this.#tell(next, errors)
    } finally {
      this.#telling = false
    }
    if (errors.length > 0) throw errors[0]
  }

  #tell(value: T, errors: unknown[]): void {
    for (const observer of [...this.#observers])
      try {
        if (this.#observers.has(observer)) observer(value)
      } catch (error) {
        errors.push(error)
      }
  }
}
