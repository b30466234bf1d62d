// What runs in a web worker.

import { portOf, type WorkerLike } from './browser.js'
import { serve } from './serve.js'

serve(portOf(globalThis as unknown as WorkerLike))
