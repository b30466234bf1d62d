import type { Attribute, Edge, Initialiser, OnnxGraph } from './reader.js'

/** A graph as text, a line a node: `y = Type(inputs; settings)`, constants in their places, the body of a loop below it. */
export function show({ nodes, initialisers }: OnnxGraph, around: readonly Initialiser[] = []): string {
  const constants = [...around, ...initialisers]
  const shown = new Map(constants.map(one => [one.name, numbers(one)] as const))
  const lines = nodes.flatMap(({ type, inputs, outputs, attributes }) => {
    const settings = Object.entries(attributes).filter(([, value]) => !isGraph(value))
    const given = [
      inputs.map(name => shown.get(name) ?? name).join(', '),
      ...settings.map(([name, value]) => `${name} ${list(value)}`),
    ]
    return [
      `${outputs.join(', ')} = ${type}(${given.join('; ')})`,
      ...Object.values(attributes)
        .filter(isGraph)
        .flatMap(body => bodyLines(body, constants)),
    ]
  })
  return lines.join('\n')
}

function bodyLines(body: OnnxGraph, around: readonly Initialiser[]): string[] {
  const lines = [`(${edges(body.inputs)}) → (${edges(body.outputs)})`, ...show(body, around).split('\n')]
  return lines.map(line => `  ${line}`)
}

const isGraph = (value: Attribute): value is OnnxGraph => typeof value === 'object' && 'nodes' in value
const list = (value: Attribute): string => (Array.isArray(value) ? `[${value.join(', ')}]` : String(value))
const numbers = ({ dims, data }: Initialiser): string =>
  dims.length === 0 ? String(data[0]) : `[${data.join(', ')}]`
const edges = (all: readonly Edge[]): string =>
  all.map(({ name, shape }) => `${name} [${shape.join(', ')}]`).join(', ')
