/**
 * How the files that packages write are encoded: text as UTF-8, and the fields of protocol buffers.
 *
 * @module @bptt/graph/bytes
 */

export {
  bytesField,
  doubleField,
  type Field,
  floatField,
  joinedBytes,
  messageField,
  wholeField,
} from './protobuf.js'
export { encodeUtf8 } from './utf8.js'
