import { softmaxCrossEntropy } from '@bptt/stream'
import type { CellName } from './commands/model.js'
import type { Corpus } from './corpus.js'
import { bits, figure, plural } from './format.js'
import { modelTextOf, type Subject, type Unit } from './material.js'
import { cellOf, characterModel, type TextModel } from './model.js'
import { characters, events } from './source.js'

/** Loss in bits per character. */
const bitsPerCharacter: Unit = {
  name: 'bits per character',
  short: 'bits/char',
  event: 'character',
  brief: 'char',
  of: bits,
  text: (value, fine = false) => figure(value, fine ? 3 : 2),
}

/** A text, predicted character by character. */
export function textSubject(corpus: Corpus, cell: CellName, hidden: number): Subject<TextModel> {
  const spec = characterModel(cell, hidden, corpus.alphabet.length)
  const model = cellOf(spec)
  const stream = characters(corpus.ids)
  const { uniform, unigram, bigram } = corpus.baselines
  const baselines = Object.entries({ uniform, unigram, bigram }).map(([name, value]) => ({ name, value }))
  return {
    kind: 'text',
    name: corpus.name,
    size: `${plural(corpus.ids.length, 'character')}, ${corpus.alphabet.length} different ones`,
    model,
    modelText: modelTextOf(cell, hidden, model),
    loss: softmaxCrossEntropy,
    unit: bitsPerCharacter,
    toBeat: [
      `${figure(uniform)} bits per character if every symbol is equally likely (uniform),`,
      `${figure(unigram)} if one knows how frequent each is in this text (unigram),`,
      `${figure(bigram)} if one knows how often each follows each in this text (bigram)`,
    ].join('\n'),
    yardsticks: () => ({ see: () => {}, baselines, state: undefined }),
    length: stream.length,
    samples: reading => events(stream, reading),
    described: { model: spec, alphabet: corpus.alphabet },
  }
}
