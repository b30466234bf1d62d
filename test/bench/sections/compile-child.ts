// A process of its own: the first program that is compiled in it.
import { compileOnce } from './compile-once.js'

process.stdout.write(JSON.stringify(compileOnce(Number(process.argv[2]))))
