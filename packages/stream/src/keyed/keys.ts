import { GraphError } from '@bptt/graph'
import { cut } from '../cut.js'

/** @throws GraphError `bad-sample`. */
export function checkKey(key: unknown, where: () => string): void {
  if (typeof key === 'string') return
  throw new GraphError(
    'bad-sample',
    where(),
    `its key is ${String(key)}; a keyed trainer tells streams apart by strings`,
  )
}

/** How messages name a stream: by its key, cut where it is long. */
export const keyName = (key: string): string => `key '${cut(key)}'`

/** An error that names the key; places in it are those of the key's own stream. */
export function withKey(error: unknown, key: string): unknown {
  if (!(error instanceof GraphError)) return error
  return new GraphError(error.code, `${error.where} of ${keyName(key)}`, error.detail, error.hint)
}
