import type { Loss } from '@bptt/graph'
import { type Sample, softmaxCrossEntropy } from '@bptt/stream'
import type { Cell } from '@bptt/unroll'
import type { Corpus } from './corpus.js'
import { bits, plural } from './format.js'
import { type CellName, cellOf, characterModel, parameterCount } from './model.js'
import { characters, type Limits } from './source.js'

/** In what losses are said. */
export interface Unit {
  /** `bits per character`. */
  readonly name: string
  /** `bits/char`. */
  readonly short: string
  /** What one event is: `character`. */
  readonly event: string
  /** A loss in nats per event, in this unit. */
  readonly of: (nats: number) => number
}

/** What is learned: a stream of events, with the model and the loss that fit it. */
export interface Material {
  readonly name: string
  /** How much of what there is, for the reader. */
  readonly size: string
  readonly model: Cell
  /** The model in a few words. */
  readonly modelText: string
  readonly loss: Loss
  readonly unit: Unit
  /** Losses of the simplest predictors, in the unit. */
  readonly baselines: readonly { readonly name: string; readonly value: number }[]
  /** Events in the stream; undefined where nobody knows. */
  readonly length: number | undefined
  /** The events, always the same ones. */
  readonly samples: (limits: Limits, signal: AbortSignal) => AsyncIterable<Sample>
}

/** Loss in bits per character. */
export const bitsPerCharacter: Unit = {
  name: 'bits per character',
  short: 'bits/char',
  event: 'character',
  of: bits,
}

/** A text, predicted character by character. */
export function textMaterial(corpus: Corpus, cell: CellName, hidden: number): Material {
  const spec = characterModel(cell, hidden, corpus.alphabet.length)
  const model = cellOf(spec)
  return {
    name: corpus.name,
    size: `${plural(corpus.ids.length, 'character')}, ${corpus.alphabet.length} different ones`,
    model,
    modelText: `${cell.toUpperCase()}, ${hidden} hidden units, ${plural(parameterCount(model), 'parameter')}`,
    loss: softmaxCrossEntropy,
    unit: bitsPerCharacter,
    baselines: (['uniform', 'unigram', 'bigram'] as const).map(name => ({
      name,
      value: corpus.baselines[name],
    })),
    length: corpus.ids.length - 1,
    samples: (limits, signal) => characters({ ids: corpus.ids, limits, signal }),
  }
}
