#!/usr/bin/env node
import { main } from './main.js'
import { quietPipe } from './terminal.js'

quietPipe()
process.exitCode = await main(process.argv.slice(2))
