/** Puts one more thing under a key. */
export function put<K, V>(map: Map<K, V[]>, key: K, thing: V): void {
  const known = map.get(key)
  if (known === undefined) map.set(key, [thing])
  else known.push(thing)
}
