import { join } from 'node:path'
import { root } from '../style/source.js'
import { packAll } from './pack.js'
import { consumer, project } from './project.js'
import { bundleSize } from './size.js'

const place = join(root, 'node_modules', '.house', 'size')
const folder = project(join(place, 'stranger'), await packAll(join(place, 'tarballs')), ['rxjs'])
const { minified, gzipped, parts } = await bundleSize(folder, consumer(folder, 'plain.js'))

console.log('An LSTM trainer for the browser (test/packages/consumer/plain.js), tree-shaken, without rxjs:')
console.log(`  ${kilobytes(gzipped)} gzipped, ${kilobytes(minified)} minified`)
console.log('What is left of each part, before it is minified:')
for (const { part, bytes } of parts) console.log(`  ${kilobytes(bytes).padStart(8)}  ${part}`)

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`
}
