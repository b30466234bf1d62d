import { byteText, table } from '../describe/text.js'
import { type Bindings, type Dim, sizeOf } from '../shape.js'
import type { Instruction, LoopInstruction } from './plan.js'
import type { KernelCost, ProgramDescription } from './program.js'
import { nameOf } from './show.js'
import type { View } from './view.js'

/** The kernels of a plan in the order they run, with what each costs in one run for these lengths. */
export function kernelCosts(
  instructions: readonly Instruction[],
  bindings: Bindings,
  elementBytes: number,
): readonly KernelCost[] {
  const length = (dim: Dim): number => (typeof dim === 'number' ? dim : bindings.get(dim)!)
  const elements = (shape: readonly Dim[]): number => sizeOf(shape.map(length))
  const visit = (part: readonly Instruction[], times: number): readonly KernelCost[] =>
    part.flatMap(instruction => {
      if (instruction.kind === 'loop') return visit(instruction.body, times * length(instruction.loop.length))
      const touched = viewsOf(instruction).reduce((sum, { shape }) => sum + elements(shape), 0)
      const flops = times * flopsOf(instruction, elements)
      return [{ name: nameOf(instruction), calls: times, flops, bytes: times * touched * elementBytes }]
    })
  return visit(instructions, 1)
}

/** Kernels and bytes with their sums, and as text. */
export function described(
  kernels: readonly KernelCost[],
  memory: number,
  module: number,
): ProgramDescription {
  const flops = kernels.reduce((sum, kernel) => sum + kernel.flops, 0)
  const rows = kernels.map(kernel => [
    kernel.name,
    String(kernel.calls),
    String(kernel.flops),
    byteText(kernel.bytes),
  ])
  const head = [`flops   ${flops}`, `memory  ${byteText(memory)}`, `module  ${byteText(module)}`]
  const text = [...head, ...table(['kernel', 'calls', 'flops', 'touches'], rows)].join('\n')
  return { kernels, flops, memory, module, text }
}

type Kernel = Exclude<Instruction, LoopInstruction>

/** Products count two per term, elementwise work one per op and element, rows added one per element. */
function flopsOf(kernel: Kernel, elements: (shape: readonly Dim[]) => number): number {
  if (kernel.kind === 'product') return 2 * productTerms(kernel, elements)
  if (kernel.kind === 'rows') return kernel.direction === 'in' ? elements(kernel.rows.shape) : 0
  if (kernel.kind !== 'fused') return 0
  const ops = kernel.expressions.filter(({ kind }) => kind === 'lanes').length
  const reductions = kernel.stores.filter(({ how }) => how !== 'set').length
  return (ops + reductions) * elements(kernel.shape)
}

function productTerms(
  { m, n, k, batch }: Extract<Kernel, { kind: 'product' }>,
  elements: (shape: readonly Dim[]) => number,
): number {
  const sides = [m, n, k].map(({ length }) => elements([length.factor, length.axis ?? 1]))
  const places = batch.map(axis => elements([axis.factor, typeof axis.length === 'string' ? axis.length : 1]))
  return [...sides, ...places].reduce((product, size) => product * size, 1)
}

/** What a kernel reads and writes; room to work in does not count. */
function viewsOf(kernel: Kernel): readonly View[] {
  switch (kernel.kind) {
    case 'fused':
      return kernel.operands
    case 'product':
      return [kernel.a, kernel.b, kernel.y]
    case 'pack':
      return [kernel.from, kernel.to]
    case 'rows':
      return kernel.direction === 'one' ? [kernel.ids, kernel.rows] : [kernel.ids, kernel.rows, kernel.rows]
    case 'call':
      return [...kernel.inputs, ...kernel.outputs]
  }
}
