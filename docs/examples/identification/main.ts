import { identifyFlow } from './fluid.ts'
import { identifyPlant } from './fuzzy.ts'

console.log(`error with one rule, which is linear: ${identifyPlant(1).toFixed(2)}`)
console.log(`error with five rules: ${identifyPlant(5).toFixed(2)}`)

const { courant, diffusion } = identifyFlow()
console.log(`flow: C = ${courant.toFixed(2)}, k = ${diffusion.toFixed(2)}`)
