#!/usr/bin/env node
import { main } from './main.js'
import { quietPipe } from './pipe.js'

quietPipe()
process.exitCode = await main(process.argv.slice(2))
