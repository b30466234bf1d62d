/** Faults in the engine: both modes, loops, evaluation, transforms. See `faults.mjs`. */
export const engineFaults = [
  // Reverse and forward mode
  {
    breaks: 'missing fan-out sum',
    file: 'gradient.ts',
    find: 'seen === undefined ? g : add(seen, g)',
    replace: 'g',
  },
  {
    breaks: 'seeds of the outputs in reverse order',
    file: 'gradient.ts',
    find: 'const g = cotangents[i]\n',
    replace: 'const g = cotangents[cotangents.length - 1 - i]\n',
  },
  {
    breaks: 'the tape is read forwards',
    file: 'gradient.ts',
    find: 'const { linearized, inputs, outputs, wants } = tape[i]!',
    replace: 'const { linearized, inputs, outputs, wants } = tape[tape.length - 1 - i]!',
  },
  {
    breaks: 'activity of the last input only',
    file: 'gradient.ts',
    find: 'if (!wants.includes(true))',
    replace: 'if (!wants.at(-1)!)',
  },
  {
    breaks: 'a derivative that is kept apart by position',
    file: 'gradient.ts',
    find: 'if (g && wants[k]) accumulate(inputs[k]!, g)',
    replace: 'if (g && wants[k]) accumulate(inputs[0]!, g)',
  },
  {
    breaks: 'the first summand of a tangent stands for all',
    file: 'tangent.ts',
    find: 'parts.reduce((sum, part) => add(sum, part))',
    replace: 'parts[0]!',
  },
  {
    breaks: 'tangents stop at inputs after the first',
    file: 'tangent.ts',
    find: 'dots[id] = along[read]!',
    replace: 'dots[id] = along[0]!',
  },

  // Loops
  {
    breaks: 'a reversed loop starts one step late',
    file: 'scan/run.ts',
    find: 'attrs.reverse ? steps - 1 - k : k',
    replace: 'attrs.reverse ? Math.max(0, steps - 2 - k) : k',
  },
  {
    breaks: 'stacked outputs keep the order of running',
    file: 'scan/run.ts',
    find: 'whole.data.set(part.data, t * part.data.length)',
    replace: 'whole.data.set(part.data, k * part.data.length)',
  },
  {
    breaks: 'the backward loop runs forwards',
    file: 'scan/linearize.ts',
    find: 'reverse: !attrs.reverse',
    replace: 'reverse: attrs.reverse',
  },
  {
    breaks: 'activity fixpoint cut short',
    file: 'scan/activity.ts',
    find: 'if (next.every((on, i) => on === known[i])) return known',
    replace: 'if (next.length >= 0) return known',
  },
  {
    breaks: 'residuals swapped',
    file: 'scan/linearize.ts',
    find: 'positions.set(id, attrs.body.outputs.length + stacked.length)',
    replace: 'positions.set(id, attrs.body.outputs.length)',
  },
  {
    breaks: 'the cotangent of the final carry is dropped',
    file: 'scan/linearize.ts',
    find: 'i => (i < attrs.carry ? way.cotangents[i] : null) ??',
    replace: 'i => (i < 0 ? way.cotangents[i] : null) ??',
  },
  {
    breaks: 'the sum of a constant keeps the last step only',
    file: 'scan/linearize.ts',
    find: 'cotangent === null ? sum : add(sum, this.#refs.get(cotangent.id)!)',
    replace: 'cotangent === null ? sum : this.#refs.get(cotangent.id)!',
  },
  {
    breaks: 'carry cotangent not replaced, but kept from the step before',
    file: 'scan/linearize.ts',
    find: 'isConst(i) ? back.sum(k, step.cotangents[i]!)',
    replace: 'k >= 0 ? back.sum(k, step.cotangents[i]!)',
  },
  {
    breaks: 'cotangents of stacked outputs are dropped',
    file: 'scan/linearize.ts',
    find: 'this.sequences.push(cotangents[i] ?? zeros(outer.constant(0), outputs[i]!.shape))',
    replace: 'this.sequences.push(zeros(outer.constant(0), outputs[i]!.shape))',
  },
  {
    breaks: 'tangents of the start values are dropped',
    file: 'scan/push.ts',
    find: '(dot ? (along[i] ?? zeros(inputs[i]!, inputs[i]!.shape)) : inputs[i]!)',
    replace: '(dot ? zeros(inputs[i]!, inputs[i]!.shape) : inputs[i]!)',
  },
  {
    breaks: 'a captured value is remembered for another',
    file: 'builder.ts',
    find: 'this.#captures.set(outer.id, inner)',
    replace: 'this.#captures.set(outer.id + 1, inner)',
  },
  {
    breaks: 'trimming a loop keeps carries only where they are read',
    file: 'scan/trim.ts',
    find: 'kept = known.map((on, i) => on || (i < carry && values[body.inputs[i]!.value]!))',
    replace: 'kept = known.map(on => on)',
  },

  // Evaluation, transforms, stability
  {
    breaks: 'bindings mixed: every named axis as long as the last',
    file: 'shape.ts',
    find: 'const length = bindings.get(dim)\n',
    replace: 'const length = [...bindings.values()].at(-1)\n',
  },
  {
    breaks: 'equal constants are shared whatever their shape',
    file: 'builder.ts',
    find: 'value.shape.length === 0 ? value.data[0] : undefined',
    replace: 'value.data[0]',
  },
  {
    breaks: 'prune keeps everything',
    file: 'prune.ts',
    find: "else if (node.kind === 'apply' && node.outputs.some(id => values[id])) this.#apply(node, trimmed[i])",
    replace: "else if (node.kind === 'apply') this.#apply(node, trimmed[i])",
  },
  {
    breaks: 'share merges applications with other settings',
    file: 'rewrite/share.ts',
    find: 'this.#keys.settings(attrs)',
    replace: 'this.#keys.settings({})',
  },
  {
    breaks: 'softmax without the shift',
    file: 'ops/softmax.ts',
    find: 'Math.exp(data[start + members[k]!]! - top)',
    replace: 'Math.exp(data[start + members[k]!]!)',
  },
  {
    breaks: 'logSumExp without the shift',
    file: 'ops/reduce.ts',
    find: 'const top = largest(data, start, members)\n  if',
    replace: 'const top = 0 * largest(data, start, members)\n  if',
  },
  {
    breaks: 'live evaluation starts from stale values',
    file: 'live.ts',
    find: 'next.get(id) ?? this.#values[id]!',
    replace: 'this.#values[id] ?? next.get(id)!',
  },

  // Gates
  {
    breaks: 'gates are joined in the order of their products',
    file: 'rewrite/gates/join.ts',
    find: 'rows = order.map(',
    replace: 'rows = nodes.map(',
  },
  {
    breaks: 'every gate gets the first part of the joined product',
    file: 'rewrite/gates/parts.ts',
    find: 'start: at * size, size',
    replace: 'start: 0, size',
  },
  {
    breaks: 'a sum of joined products forgets what else it adds',
    file: 'rewrite/gates/join.ts',
    find: '[...this.#all(rest), ...terms]',
    replace: 'terms',
  },
  {
    breaks: 'every stack is the first part of the joined one',
    file: 'rewrite/gates/join.ts',
    find: 'parts.set(value, cut[i]!)',
    replace: 'parts.set(value, cut[0]!)',
  },
  {
    breaks: 'a matrix in a body is the one beside it outside',
    file: 'rewrite/gates/join.ts',
    find: 'undefined : loop.inputs[at]',
    replace: 'undefined : loop.inputs[at - 1]',
  },
  {
    breaks: 'no sum of products is joined',
    file: 'rewrite/gates/survey.ts',
    find: 'return first && this.#totals.get(first)',
    replace: 'return first && undefined',
  },
]
