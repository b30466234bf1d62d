import typescript from 'typescript'
import type { OpSpec } from '../../packages/graph/src/graph.js'
import { ops } from '../../packages/graph/src/ops/all.js'
import type { Shape } from '../../packages/graph/src/shape.js'
import { type Source, sources } from '../style/source.js'

/** What the sources say of an op beside its spec. */
interface Declaration {
  readonly path: string
  /** How it is declared: by partials, by its transpose, by pullbacks, or field by field. */
  readonly species: string
  readonly comment: string
}

const species: Readonly<Record<string, string>> = {
  elementwise: 'elementwise',
  linearMap: 'linear',
  op: 'general',
}

const head = `# Ops

Every op of \`@bptt/graph\`, written from the declarations by \`npm test -- test/ops.test.ts -u\`.

- **kind**: \`elementwise\` ops declare partial derivatives, \`linear\` ones their transpose, \`general\` ones pushforward and
  pullback, \`own\` ones everything by themselves. Inputs of elementwise ops broadcast.
- **derivative**: the inputs that have one; _convention_ where it is declared to be another than that of the value.
- **saves**: what the derivative reads, inputs and the output \`y\`; it is what a training step must keep.
- **shapes**: the shape rule on the cases that the laws draw points for.
- **domain**: the interval the points come from; _whole_ numbers where an input holds indices.

Functions that are no op of their own (\`linear\`, \`matmul\`, \`mean\`, \`layerNorm\`, …) are written in these.
`

/** The page \`docs/ops.md\`. */
export function opsPage(): string {
  const known = declarations(engine())
  const section = ({ name }: OpSpec): string => sectionOf(known.get(name)!.path)
  const tables = [...new Set(ops.map(section))].map(title =>
    table(
      title,
      ops.filter(spec => section(spec) === title),
      known,
    ),
  )
  return [head, ...tables].join('\n')
}

/** The sources of the engine, without the laws, which have names too. */
const engine = (): Source[] => sources().filter(({ path }) => /^packages\/graph\/src\/(?!laws\/)/.test(path))

/** The name of every op that the sources of the engine declare. */
export const declaredOps = (): string[] => [...declarations(engine()).keys()]

function table(section: string, members: readonly OpSpec[], known: ReadonlyMap<string, Declaration>): string {
  const rows = members.map(spec => {
    const { species, comment } = known.get(spec.name)!
    const call = `\`${spec.name}(${spec.inputs.join(', ')}${spec.variadic ? ', …' : ''})\``
    return [call, comment, species, derivative(spec), names(spec.saves), shapes(spec), domain(spec)]
  })
  const columns = ['op', 'value', 'kind', 'derivative', 'saves', 'shapes', 'domain']
  const lines = [columns, columns.map(() => '---'), ...rows].map(row => `| ${row.map(cell).join(' | ')} |`)
  return `## ${section}\n\n${lines.join('\n')}\n`
}

const cell = (text: string): string => text.replaceAll('|', '\\|')
const names = (all: readonly string[]): string => (all.length === 0 ? '–' : all.join(', '))

function derivative({ inputs, differentiable, analytic }: OpSpec): string {
  const by = inputs.filter((_, i) => differentiable(i))
  return `${names(by)}${analytic || by.length === 0 ? '' : ', _convention_'}`
}

function shapes(spec: OpSpec): string {
  const lines = spec.samples.cases.map(({ shapes, attrs = {} }) => {
    const made = spec.shapes(shapes, attrs).map(show).join(', ')
    const settings = Object.keys(attrs).length === 0 ? '' : ` ${settingsOf(attrs)}`
    return `\`${shapes.map(show).join(', ')}${settings} → ${made}\``
  })
  return lines.length === 0 ? 'those of its body' : [...new Set(lines)].slice(0, 3).join('<br>')
}

const show = (shape: Shape): string => `[${shape.join(', ')}]`
const settingsOf = (attrs: object): string =>
  JSON.stringify(attrs)
    .replace(/"(\w+)":/g, '$1: ')
    .replaceAll('"', "'")
    .replace(/,(?=\w+: )/g, ', ')

function domain({ inputs, samples }: OpSpec): string {
  const whole = Object.entries(samples.integers ?? {}).map(
    ([at, bound]) => `${inputs[Number(at)]} _whole_ < ${bound}`,
  )
  return [`[${samples.domain.join(', ')}]`, ...whole].join(', ')
}

function sectionOf(path: string): string {
  const file = path.split('/').at(-1)!.replace(/\.ts$/, '')
  return sectionNames[file] ?? file
}

const sectionNames: Readonly<Record<string, string>> = {
  elementwise: 'arithmetic',
  linear: 'shape',
  join: 'shape',
  split: 'shape',
  gather: 'shape',
  scan: 'credit and loops',
  reduce: 'reductions',
  softmax: 'reductions',
  compare: 'comparisons',
  credit: 'credit and loops',
  contract: 'products',
  loss: 'losses',
}

/** The declarations in some sources by the op's name. */
function declarations(files: readonly Source[]): Map<string, Declaration> {
  const found = new Map<string, Declaration>()
  for (const { path, tree } of files) {
    const comments = new Map(tree.statements.flatMap(commented))
    for (const statement of tree.statements.filter(typescript.isVariableStatement))
      for (const { initializer, name } of statement.declarationList.declarations) {
        const declared = initializer === undefined ? undefined : declaredBy(initializer)
        if (declared === undefined || found.has(declared.name)) continue
        const own = comments.get(name.getText()) ?? ''
        const behind = /^The op behind `(\w+)`/.exec(own)?.[1]
        const comment = behind === undefined ? own : (comments.get(behind) ?? own)
        found.set(declared.name, { path, species: declared.species, comment })
      }
  }
  return found
}

/** `elementwise({name: 'tanh', …})`, perhaps inside something else, or a spec written out. */
function declaredBy(written: typescript.Node): { name: string; species: string } | undefined {
  const kind = typescript.isCallExpression(written) ? species[written.expression.getText()] : 'own'
  const object = typescript.isCallExpression(written) ? written.arguments[0] : written
  const name = object && typescript.isObjectLiteralExpression(object) ? nameIn(object) : undefined
  if (kind !== undefined && name !== undefined) return { name, species: kind }
  return typescript.forEachChild(written, declaredBy)
}

function nameIn({ properties }: typescript.ObjectLiteralExpression): string | undefined {
  const name = properties.find(one => one.name?.getText() === 'name')
  const value = name && typescript.isPropertyAssignment(name) ? name.initializer : undefined
  return value && typescript.isStringLiteral(value) ? value.text : undefined
}

/** Names that a statement declares, each with the first paragraph of its comment. */
function commented(statement: typescript.Statement): (readonly [string, string])[] {
  const docs = (statement as { readonly jsDoc?: readonly typescript.JSDoc[] }).jsDoc
  const text = docs === undefined ? undefined : typescript.getTextOfJSDocComment(docs.at(-1)!.comment)
  if (text === undefined) return []
  const paragraph = text.split('\n\n')[0]!.replace(/\s*\n\s*/g, ' ')
  if (typescript.isFunctionDeclaration(statement)) return [[statement.name!.text, paragraph]]
  if (!typescript.isVariableStatement(statement)) return []
  return statement.declarationList.declarations.map(({ name }) => [name.getText(), paragraph] as const)
}
