import { GraphError } from '@bptt/graph'

/** What happens to an event that finds a buffer full. */
export type Overflow = 'block' | 'dropOldest' | 'dropNewest' | 'sample'

const policies: readonly Overflow[] = ['block', 'dropOldest', 'dropNewest', 'sample']

/** A bounded buffer. */
export interface BufferOptions {
  /** Most events that wait; a whole number ≥ 1. */
  readonly size: number
  /**
   * When it is full: `dropOldest` drops the event that waits longest, `dropNewest` the one that arrives, and `sample` every other one
   * that waits, so that what stays is spread evenly over time. `block` drops nothing: the source is asked to wait, and one that does not
   * fails with `buffer-overflow`.
   */
  readonly policy: Overflow
}

/** An event, with the number of events that were dropped between it and the one before. */
interface Waiting<T> {
  readonly value: T
  readonly dropped: number
}

/**
 * Events that wait, first in, first out, never more than `size` of them.
 * @throws GraphError `bad-buffer`.
 */
export class Backlog<T> {
  readonly #size: number
  readonly #policy: Overflow
  #items: Waiting<T>[] = []
  /** Items before this one are taken. */
  #head = 0
  /** Dropped since the newest item. */
  #lost = 0

  constructor({ size, policy }: BufferOptions) {
    if (!(Number.isSafeInteger(size) && size >= 1))
      throw new GraphError('bad-buffer', 'buffer', `size is ${size}; it is a whole number of events ≥ 1`)
    if (!policies.includes(policy))
      throw new GraphError('bad-buffer', 'buffer', `no policy '${policy}'; there are ${policies.join(', ')}`)
    this.#size = size
    this.#policy = policy
  }

  get length(): number {
    return this.#items.length - this.#head
  }

  get full(): boolean {
    return this.length >= this.#size
  }

  /** @throws GraphError `buffer-overflow` where it is full and its policy is to block. */
  add(value: T): void {
    if (this.full && !this.#makeRoom()) {
      this.#lost++
      return
    }
    this.#items.push({ value, dropped: this.#lost })
    this.#lost = 0
  }

  /** Takes the oldest out. */
  take(): Waiting<T> | undefined {
    const item = this.#items[this.#head]
    if (item === undefined) return undefined
    this.#head++
    if (this.#head * 2 > this.#items.length) this.#compact()
    return item
  }

  #compact(): void {
    this.#items = this.#items.slice(this.#head)
    this.#head = 0
  }

  /** False where the one that arrives is to be dropped. */
  #makeRoom(): boolean {
    switch (this.#policy) {
      case 'block':
        throw new GraphError(
          'buffer-overflow',
          'buffer',
          `${this.#size} events wait and another comes; a blocking buffer needs a source that waits when asked`,
          "give a 'pause' that stops the source, a larger size, or a policy that drops",
        )
      case 'dropNewest':
        return false
      case 'dropOldest':
        this.#dropOldest()
        return true
      case 'sample':
        this.#thin()
        return true
    }
  }

  #dropOldest(): void {
    const { dropped } = this.take()!
    const next = this.#items[this.#head]
    if (next === undefined) this.#lost += dropped + 1
    else this.#items[this.#head] = { value: next.value, dropped: next.dropped + dropped + 1 }
  }

  /** Drops every other item, the oldest first. */
  #thin(): void {
    const kept: Waiting<T>[] = []
    let dropped = 0
    for (let k = this.#head; k < this.#items.length; k++) {
      const item = this.#items[k]!
      dropped += item.dropped
      if ((k - this.#head) % 2 === 0) dropped++
      else {
        kept.push({ value: item.value, dropped })
        dropped = 0
      }
    }
    this.#items = kept
    this.#head = 0
    this.#lost += dropped
  }
}
