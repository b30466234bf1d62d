import { serve } from '../../../test/browser/site.js'

const { origin } = await serve()
console.log(`open ${origin}/docs/examples/browser-worker/index.html (Ctrl-C ends)`)
