/** The number by which the coins of a key's stream are drawn: FNV-1a of its UTF-16 units, 32 bits, so that the order of keys does not matter. */
export function coinStream(key: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
