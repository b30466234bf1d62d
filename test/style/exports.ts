import typescript from 'typescript'
import { type Package, place, type Source } from './source.js'

/** A door of a package, as users write it, and the names that come through it. */
export interface Door {
  readonly door: string
  /** Undefined where no source stands behind it; none for a program that is run. */
  readonly names: readonly string[] | undefined
}

/** Places where the type of an exported declaration says `any`. */
export function exportedAny(sources: readonly Source[]): string[] {
  return sources.flatMap(source =>
    source.tree.statements.filter(isExported).flatMap(statement => {
      const found: string[] = []
      const visit = (node: typescript.Node): void => {
        if (node.kind === typescript.SyntaxKind.AnyKeyword) found.push(place(source, node.getStart()))
        if (!typescript.isBlock(node)) node.forEachChild(visit)
      }
      visit(statement)
      return found
    }),
  )
}

/** Places of `export *`, which would hide what a file gives away. */
export function exportedStars(sources: readonly Source[]): string[] {
  return sources.flatMap(source =>
    source.tree.statements
      .filter(statement => typescript.isExportDeclaration(statement) && !statement.exportClause)
      .map(statement => place(source, statement.getStart())),
  )
}

/** The doors of a package as its package.json names them. */
export function doors({ name, manifest }: Package, sources: readonly Source[]): Door[] {
  return Object.entries(manifest.exports).flatMap(([door, target]) => {
    if (typeof target === 'string') return []
    const path = `packages/${name}/${target.default.replace('./dist/', 'src/').replace(/\.js$/, '.ts')}`
    const file = sources.find(source => source.path === path)
    return [{ door: `@bptt/${name}${door.slice(1)}`, names: file && exportedNames(file) }]
  })
}

/** The names a file exports. */
export function exportedNames(source: Source): string[] {
  return source.tree.statements.flatMap(statement => {
    if (typescript.isExportDeclaration(statement)) {
      const clause = statement.exportClause
      if (!clause) return []
      return typescript.isNamedExports(clause)
        ? clause.elements.map(({ name }) => name.text)
        : [clause.name.text]
    }
    if (!isExported(statement)) return []
    if (typescript.isVariableStatement(statement)) {
      return statement.declarationList.declarations.map(({ name }) => name.getText())
    }
    const { name } = statement as typescript.DeclarationStatement
    return name ? [name.getText()] : []
  })
}

function isExported(statement: typescript.Statement): boolean {
  if (!typescript.canHaveModifiers(statement)) return false
  return !!statement.modifiers?.some(({ kind }) => kind === typescript.SyntaxKind.ExportKeyword)
}
