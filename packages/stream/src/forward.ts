import {
  compile,
  evaluate,
  type Graph,
  graph,
  inline,
  isTensor,
  type Loss,
  leaves,
  type Ref,
  type Shape,
  type Tensor,
  type Tree,
} from '@bptt/graph'
import { type Cell, unroll } from '@bptt/unroll'
import { type Engine, explained, reread } from './learner.js'
import type { Values } from './state.js'

/** What runs: a model, and the loss where what it says is judged. */
export interface Subject {
  readonly model: Cell
  readonly loss?: Loss
  /** Streams side by side. */
  readonly lanes: number
}

/** One row of inputs, [1, lanes, ...]. */
export interface Row {
  readonly xs: Tensor
  /** Where there is a loss. */
  readonly targets?: Tensor
  /** 1 where the carry starts anew. */
  readonly reset: Tensor
  /** 0 where a lane has no event; where there are several. */
  readonly mask?: Tensor
}

/** What a model says of a row, [1, lanes, ...]. */
export interface Said {
  readonly ys: Tensor
  /** Where there is a loss: of every lane, nats. */
  readonly losses?: Tensor
}

/** A model that only runs, row by row; its parameters and carry stay with it. */
export interface Forward {
  /** Goes on with these parameters, or this carry, from the next row. */
  readonly load: (values: Partial<State>) => void
  /** Takes one row. */
  readonly run: (row: Row) => Said
  /** A copy of the carry after the last row, [lanes, ...]. */
  readonly carry: () => Tree<Tensor>
}

type State = Pick<Values, 'params' | 'carry'>

/** Makes a model ready to run on an engine, from a state. */
export function forward(subject: Subject, engine: Engine, from: State): Forward {
  const program = forwardGraph(subject)
  return engine.engine === 'reference' ? onReference(program, from) : onCompiled(program, engine, from)
}

/** One step as a graph that hands its parameters on, so that they can stay in a program. */
function forwardGraph({ model, loss, lanes }: Subject): Graph {
  const line = unroll(model, {
    ...{ steps: 1, batch: lanes, form: 'flat', resets: true, masked: lanes > 1, unchecked: true },
    ...(loss && { loss }),
  })
  const shapes = Object.fromEntries(
    line.graph.inputs.map(({ name, value }) => [name, line.graph.shapes[value]!]),
  )
  return graph(shapes as Tree<Shape>, refs => {
    const { params = {} } = refs as unknown as { readonly params?: Tree<Ref> }
    return { ...(inline(line.graph, refs as unknown as Tree<Ref>) as object), params }
  })
}

function onReference(program: Graph, from: State): Forward {
  let state = from
  return {
    load: values => {
      state = { ...state, ...values }
    },
    run: row => {
      const { carry = {}, ...said } = evaluate(program, { ...state, ...row }) as unknown as Said &
        Partial<State>
      state = { params: state.params, carry }
      return said
    },
    carry: () => state.carry,
  }
}

/** Parameters and carry stay in the program's memory. */
function onCompiled(graph: Graph, { dtype = 'float32', flavour = 'fast' }: Engine, from: State): Forward {
  const parts = (['params', 'carry'] as const).filter(part => leaves(from[part], isTensor, part).length > 0)
  const keep = Object.fromEntries(parts.map(part => [part, part]))
  const program = compile(graph, { dtype, flavour, keep })
  /** What is not in the program's memory yet. */
  let outside: Partial<State> = Object.fromEntries(parts.map(part => [part, from[part]]))
  const state = (): State => ({
    params: outside.params ?? reread(from.params, 'params', program.read),
    carry: outside.carry ?? reread(from.carry, 'carry', program.read),
  })
  return {
    load: values => {
      for (const part of parts) if (values[part]) outside = { ...outside, [part]: values[part] }
    },
    run: row => {
      const said = explained(
        () => program.run({ ...outside, ...row } as never) as unknown as Said,
        () => evaluate(graph, { ...state(), ...row }),
      )
      outside = {}
      return said
    },
    carry: () => outside.carry ?? reread(from.carry, 'carry', program.read),
  }
}
