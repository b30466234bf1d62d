import typescript from 'typescript'
import { place, type Source } from './source.js'

/** A function's name, place and number of lines, its comment not counted. */
export interface Measured {
  readonly name: string
  readonly at: string
  readonly lines: number
}

/** The functions of a file: those with a name, and those without one that lie in no other. */
export function functions(source: Source): Measured[] {
  const found: Measured[] = []
  const visit = (node: typescript.Node, inside: boolean): void => {
    const isOne = typescript.isFunctionLike(node) && 'body' in node && node.body !== undefined
    const name = isOne ? nameOf(node) : undefined
    if (isOne && (name !== undefined || !inside)) found.push(measure(source, node, name ?? '(no name)'))
    node.forEachChild(child => visit(child, inside || isOne))
  }
  visit(source.tree, false)
  return found
}

/** The value that a share `p` in [0, 1] of the numbers does not exceed; 0 for none. */
export function quantile(numbers: readonly number[], p: number): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)] ?? 0
}

function measure(source: Source, node: typescript.Node, name: string): Measured {
  const start = node.getStart(source.tree)
  const line = (position: number): number => source.tree.getLineAndCharacterOfPosition(position).line
  return { name, at: place(source, start), lines: line(node.end) - line(start) + 1 }
}

function nameOf(node: typescript.SignatureDeclaration): string | undefined {
  if (typescript.isConstructorDeclaration(node)) return 'constructor'
  if (node.name) return node.name.getText()
  const { parent } = node
  const holds =
    typescript.isVariableDeclaration(parent) ||
    typescript.isPropertyAssignment(parent) ||
    typescript.isPropertyDeclaration(parent)
  return holds ? parent.name.getText() : undefined
}
