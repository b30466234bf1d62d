import { GraphError } from './error.js'

/** Values in nested plain objects: `{ params: { U, W }, x }`. Their names are the dotted paths: `params.U`. */
export type Tree<T> = T | { readonly [name: string]: Tree<T> }

/** The most branches above a leaf; an object that stands in itself has more. */
const DEEPEST = 64

/** A leaf of a tree with its dotted name. */
export type Leaf<T> = readonly [name: string, value: T]

/**
 * The leaves of a tree, depth first, in the order they were written.
 * @throws GraphError `bad-tree` where a branch is neither a leaf nor a plain object, or `duplicate-name`.
 */
export function leaves<T>(
  tree: Tree<T>,
  isLeaf: (value: unknown) => value is T,
  where: string,
): readonly Leaf<T>[] {
  const found: Leaf<T>[] = []
  const seen = new Set<string>()
  const visit = (branch: unknown, path: string, depth: number): void => {
    if (depth > DEEPEST)
      throw new GraphError('bad-tree', where, `objects stand more than ${DEEPEST} deep in each other`)
    if (isLeaf(branch)) {
      if (seen.has(path))
        throw new GraphError(
          'duplicate-name',
          where,
          `the name '${path}' stands twice; names are unique`,
          'a key with dots in it is a path: rename one of them',
        )
      seen.add(path)
      found.push([path, branch])
    } else if (isBranch(branch)) {
      for (const key of Object.keys(branch))
        visit(branch[key], path === '' ? key : `${path}.${key}`, depth + 1)
    } else {
      throw new GraphError(
        'bad-tree',
        where,
        `${path === '' ? 'the value' : `'${path}'`} is ${describe(branch)}; expected nested plain objects`,
      )
    }
  }
  visit(tree, '', 0)
  return found
}

/** A tree with these dotted names; a single unnamed leaf is the tree itself. */
export function grow<T>(found: readonly Leaf<T>[]): Tree<T> {
  if (found.length === 1 && found[0]![0] === '') return found[0]![1]
  const root: Record<string, unknown> = {}
  for (const [name, value] of found) {
    if (!name.includes('.')) {
      put(root, name, value)
      continue
    }
    const path = name.split('.')
    let branch = root
    for (const key of path.slice(0, -1))
      branch = (own(branch, key) ?? put(branch, key, {})) as Record<string, unknown>
    put(branch, path[path.length - 1]!, value)
  }
  return root as Tree<T>
}

/** The same tree with every leaf replaced by `change(leaf, name)`. */
export function mapTree<T, U>(
  tree: Tree<T>,
  isLeaf: (value: unknown) => value is T,
  change: (value: T, name: string) => U,
): Tree<U> {
  return grow(leaves(tree, isLeaf, 'tree').map(([name, value]) => [name, change(value, name)] as const))
}

function isBranch(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const proto: unknown = Object.getPrototypeOf(value)
  return proto === Object.prototype || proto === null
}

const own = (branch: Record<string, unknown>, key: string): unknown =>
  Object.hasOwn(branch, key) ? branch[key] : undefined

/** Defines a key, `__proto__` included, as plain data. */
function put(branch: Record<string, unknown>, key: string, value: unknown): unknown {
  if (key === '__proto__')
    Object.defineProperty(branch, key, { value, enumerable: true, configurable: true, writable: true })
  else branch[key] = value // defining costs ten times as much
  return value
}

const describe = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'a list' : `a ${typeof value}`
