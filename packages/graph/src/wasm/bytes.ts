/** A growing sequence of bytes in the encodings of the WebAssembly binary format. */
export class Bytes {
  private data: Uint8Array
  length = 0

  /** @param room bytes that it has room for before it grows. */
  constructor(room = 256) {
    this.data = new Uint8Array(room)
  }

  byte(value: number): this {
    if (this.length === this.data.length) this.reserve(1)
    this.data[this.length++] = value
    return this
  }

  /** A byte and an unsigned integer: most instructions, so it is written to take few steps. */
  coded(code: number, value: number): this {
    if (value < 0 || value > 0x3fff) return this.byte(code).unsigned(value)
    if (this.length + 3 > this.data.length) this.reserve(3)
    const { data } = this
    data[this.length++] = code
    if (value > 0x7f) data[this.length++] = (value & 0x7f) | 0x80
    data[this.length++] = value > 0x7f ? value >> 7 : value
    return this
  }

  bytes(values: ArrayLike<number>): this {
    this.reserve(values.length)
    if (values instanceof Uint8Array) this.data.set(values, this.length)
    else for (let i = 0; i < values.length; i++) this.data[this.length + i] = values[i]!
    this.length += values.length
    return this
  }

  /** An integer in [0, 2³²) as unsigned LEB128. */
  unsigned(value: number): this {
    for (value >>>= 0; value > 0x7f; value >>>= 7) this.byte((value & 0x7f) | 0x80)
    return this.byte(value)
  }

  /** An integer in [−2³¹, 2³¹) as signed LEB128. */
  signed(value: number): this {
    for (value |= 0; value < -64 || value > 63; value >>= 7) this.byte((value & 0x7f) | 0x80)
    return this.byte(value & 0x7f)
  }

  /** A name: its length and its bytes. Names here are ASCII; anything else becomes `?`. */
  text(name: string): this {
    this.unsigned(name.length)
    for (let i = 0; i < name.length; i++) {
      const code = name.charCodeAt(i)
      this.byte(code < 0x80 ? code : 0x3f)
    }
    return this
  }

  /** The length of another sequence and the sequence. */
  sized(other: Bytes): this {
    return this.unsigned(other.length).bytes(other.view())
  }

  /** The bytes so far, not copied: valid until the next append. */
  view(): Uint8Array {
    return this.data.subarray(0, this.length)
  }

  private reserve(more: number): void {
    if (this.length + more <= this.data.length) return
    const grown = new Uint8Array(Math.max(2 * this.data.length, this.length + more))
    grown.set(this.view())
    this.data = grown
  }
}
