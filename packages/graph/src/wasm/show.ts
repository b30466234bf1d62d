import { showShape } from '../shape.js'
import type { Instruction, LoopInstruction, Plan } from './plan.js'
import type { Length } from './product.js'

/** What a kernel is called in traces. */
export function nameOf(instruction: Exclude<Instruction, LoopInstruction>): string {
  if (instruction.kind === 'call') return `call ${instruction.op.name}`
  if (instruction.kind === 'pack') return 'pack'
  if (instruction.kind !== 'product') return instruction.name
  const { form, m, n, k } = instruction
  const length = ({ axis, factor }: Length): string =>
    axis === undefined ? String(factor) : `${axis}·${factor}`
  return `${instruction.name} ${form} ${[m, k, n].map(side => length(side.length)).join('×')}`
}

/** A plan as text, one kernel a line with the shape it works on; loops are indented. */
export function showPlan({ instructions }: Plan): string {
  return linesOf(instructions).join('\n')
}

function linesOf(instructions: readonly Instruction[]): readonly string[] {
  return instructions.flatMap(instruction => {
    if (instruction.kind === 'loop') {
      const { length, reverse } = instruction.loop
      const head = `for ${reverse ? `t = ${length} … 1` : `t = 1 … ${length}`}`
      return [head, ...linesOf(instruction.body).map(line => `  ${line}`)]
    }
    const name = nameOf(instruction)
    return [instruction.kind === 'fused' ? `${name} ${showShape(instruction.shape)}` : name]
  })
}
