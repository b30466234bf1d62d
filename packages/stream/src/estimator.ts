import type { Graph, Loss, Ref, Shape, Tensor, Tree } from '@bptt/graph'
import type { Cell } from '@bptt/unroll'
import type { Rooms } from './rooms.js'
import type { EventShapes } from './sample.js'
import type { Values } from './state.js'
import type { Cuts, Notes, Window } from './window.js'

/** What gradients are made for. */
export interface Site {
  readonly model: Cell
  readonly loss: Loss
  /** Parallel sub-streams, each with its own carry. */
  readonly lanes: number
}

/** How gradients are made of a stream: where it is cut, and what is computed of a window. */
export interface Estimator {
  /** Names it with its settings, as it is printed and kept in snapshots. */
  readonly text: string
  readonly cuts: Cuts
  /** What it computes for one model. */
  readonly method: (site: Site) => Method
  /** Looks at windows before they are learned from, and changes how the stream is cut. */
  readonly probe?: (site: Site) => Probe
}

/** The gradient of a window for one model, as a part of the training step's graph. */
export interface Method {
  /** What it keeps from window to window beside the carry. */
  readonly memory: Tree<Shape>
  /** The memory before the first event, with these parameters. */
  readonly start: (params: Tree<Tensor>) => Tree<Tensor>
  /** What it reads of a window: inputs of the step's graph, and their values. */
  readonly inputs: Readonly<Record<string, Shape>>
  /** The values of those inputs; where there are `rooms`, in them: good until the next window is read. */
  readonly values: (window: Window, rooms?: Rooms) => Readonly<Record<string, Tensor>>
  /** Steps of its loops forward and back, the last at the window's last event, where they are not those of the window. */
  readonly loops?: { readonly forward: number; readonly back: number }
  /** Appends the gradient to the step. */
  readonly gradient: (given: Given) => Gradient
}

/** What a method reads: the state before the window, and its own inputs. */
export interface Given {
  readonly params: Tree<Ref>
  /** [lanes, ...] */
  readonly carry: Tree<Ref>
  readonly memory: Tree<Ref>
  readonly window: Readonly<Record<string, Ref>>
}

/** What a method gives. */
export interface Gradient {
  /** Weighted sum of the window's losses, nats. */
  readonly loss: Ref
  /** By the parameters. */
  readonly gradient: Tree<Ref>
  /** After the window. */
  readonly carry: Tree<Ref>
  readonly memory: Tree<Ref>
}

/** A measurement on some windows, by which an estimator adapts. */
export interface Probe {
  readonly graph: Graph
  /** True where the next window is to be measured. */
  readonly when: (notes: Notes) => boolean
  /** Inputs of the graph, of as many runs as it takes; the state is that before the window. */
  readonly inputs: (window: Window, state: Pick<Values, 'params' | 'carry'>) => readonly Tree<Tensor>[]
  /** The notes after a window was learned from; `found` is what the graph said, run by run: nothing, where it was not measured. */
  readonly next: (notes: Notes, found: readonly Tree<Tensor>[]) => Notes
}

/** The shapes of one event. */
export const eventShapes = ({ model, loss }: Pick<Site, 'model' | 'loss'>): EventShapes => ({
  input: model.input,
  target: loss.target?.(model.output) ?? model.output,
})
