import { join, parse } from 'node:path'
import { GraphError } from '@bptt/graph'

/** Where the last but one snapshot of a file is kept: `model.safetensors` → `model.previous.safetensors`. */
export function previousOf(path: string): string {
  const { dir, name, ext } = parse(path)
  return join(dir, `${name}.previous${ext}`)
}

/** Reads a file; where it is missing or broken and the previous one is whole, that one, with a `warning` that says why. */
export async function orPrevious<T extends { readonly file: string }>(
  path: string,
  read: (file: string) => Promise<T>,
): Promise<T & { readonly warning?: string }> {
  try {
    return await read(path)
  } catch (error) {
    const kept = await read(previousOf(path)).catch(() => undefined)
    if (kept === undefined || !(error instanceof GraphError)) throw error
    return { ...kept, warning: `${error.where}: ${error.detail}; went back to the one before, ${kept.file}` }
  }
}
