/** Gives room for numbers, by what they are: zeros. */
export type Rooms = (name: string, size: number) => Float64Array

/** New room every time. */
export const newRooms: Rooms = (_, size) => new Float64Array(size)

/** The same room for every window: for values that are copied before the next one is read. */
export function sameRooms(): Rooms {
  const rooms = new Map<string, Float64Array>()
  return (name, size) => {
    const known = rooms.get(name)
    if (known !== undefined && known.length >= size)
      return (known.length === size ? known : known.subarray(0, size)).fill(0)
    const room = new Float64Array(size)
    rooms.set(name, room)
    return room
  }
}
