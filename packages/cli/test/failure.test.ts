import { GraphError } from '@bptt/graph'
import { describe, expect, test } from 'vitest'
import { sentence, systemCode } from '../src/failure.js'

describe('sentence', () => {
  test('is the message of an error of one line', () => {
    expect(sentence(new Error('no room'))).toBe('no room')
  })

  test('sets the hint of a GraphError in brackets', () => {
    const error = new GraphError('bad-text', 'notes.txt', 'byte 3 is not UTF-8', 'is it binary?')
    expect(sentence(error)).toBe('notes.txt: byte 3 is not UTF-8 (hint: is it binary?)')
  })

  test('leaves a suggestion that has brackets as it is', () => {
    expect(sentence(new Error("unknown option '--hiden'\n(Did you mean --hidden?)"))).toBe(
      "unknown option '--hiden' (Did you mean --hidden?)",
    )
  })

  test('is the text of a value that is no error', () => {
    expect(sentence('odd')).toBe('odd')
  })
})

describe('systemCode', () => {
  test('is the code of an error of the operating system', () => {
    expect(systemCode(Object.assign(new Error('gone'), { code: 'EPIPE' }))).toBe('EPIPE')
  })

  test('is undefined for errors without a code and for other values', () => {
    expect(
      [new Error('x'), Object.assign(new Error('x'), { code: 7 }), 'EPIPE', null].map(systemCode),
    ).toEqual([undefined, undefined, undefined, undefined])
  })
})
