import { Command } from 'commander'
import { oneOf, whole } from '../options.js'
import type { FluidOptions } from '../reproduce/fluid.js'
import type { FuzzyOptions } from '../reproduce/fuzzy.js'
import type { InfluenceOptions } from '../reproduce/influence.js'
import type { LongRangeOptions } from '../reproduce/long-range.js'
import type { VanishingOptions } from '../reproduce/vanishing.js'

const codes = 'Exit codes: 0 the claim held, 1 it did not, 2 bad input, 130 Ctrl-C, 143 SIGTERM'

const notes = `
Each prints what it measured, then every part of the claim and whether it held.

Examples:
  bptt reproduce influence-balancing
  bptt reproduce long-range --seeds 3
  bptt reproduce vanishing --json > vanishing.jsonl

${codes}`

/** The options of each experiment. */
export interface Experiments {
  readonly 'influence-balancing': InfluenceOptions
  readonly 'long-range': LongRangeOptions
  readonly vanishing: VanishingOptions
  readonly fuzzy: FuzzyOptions
  readonly fluid: FluidOptions
}

/** The name of an experiment. */
export type ExperimentName = keyof Experiments

/** What runs an experiment again. */
type Run = <N extends ExperimentName>(name: N, options: Experiments[N]) => Promise<void>

/** `bptt reproduce`: what the sources claim about gradients through time, run again. */
export function reproduceCommand(run: Run): Command {
  const command = new Command('reproduce')
    .description('run again what papers claim: does it hold here?')
    .addHelpText('after', notes)
  const experiments: { readonly [N in ExperimentName]: () => Command } = {
    'influence-balancing': influenceCommand,
    'long-range': longRangeCommand,
    vanishing: vanishingCommand,
    fuzzy: fuzzyCommand,
    fluid: fluidCommand,
  }
  for (const [name, made] of Object.entries(experiments))
    command.addCommand(made().action(options => run(name as ExperimentName, options)))
  return command
}

/** A sub-command of one experiment. */
function experiment(
  name: ExperimentName,
  { about, example }: { readonly about: string; readonly example: string },
): Command {
  return new Command(name)
    .description(about)
    .addHelpText('after', `\nExample:\n  bptt reproduce ${name} ${example}\n\n${codes}`)
    .option('--json', 'one JSON record a line on standard output, the last with "final": true')
}

const seeds = (most: number): ReturnType<typeof whole> => whole('--seeds', 1, most)

function influenceCommand(): Command {
  return experiment('influence-balancing', {
    about: 'block truncation goes the wrong way, ARTBP does not (Tallec & Ollivier 2017, §6.1)',
    example: '--seeds 3 --steps 100000',
  })
    .option('--steps <N>', 'of each run', whole('--steps', 1000, 1e8), 400_000)
    .option('--seeds <N>', 'ARTBP runs with the seeds 1 to N', seeds(1000), 10)
    .option(
      '--clock <WHAT>',
      't in the rate 3e-4/√(1 + t) of ARTBP: steps or updates',
      oneOf('--clock', ['steps', 'updates']),
      'updates',
    )
}

function longRangeCommand(): Command {
  return experiment('long-range', {
    about: 'a dependency longer than the blocks of truncation: ARTBP learns it',
    example: '--seeds 2 --events 50000',
  })
    .option('--events <N>', 'each run learns from', whole('--events', 1000, 1e9), 100_000)
    .option('--seeds <N>', 'each estimator runs with the seeds 1 to N', seeds(1000), 5)
    .option('--lag <N>', 'steps between the bit and the question, at least', whole('--lag', 2, 1000), 20)
}

function vanishingCommand(): Command {
  return experiment('vanishing', {
    about: 'credit vanishes and explodes within its bounds; what clipping does (Pascanu et al. 2013)',
    example: '--steps 60 --hidden 16',
  })
    .option('--steps <N>', 'of the sequence', whole('--steps', 12, 200), 40)
    .option('--hidden <N>', 'numbers in the state', whole('--hidden', 2, 256), 16)
    .option('--seed <N>', 'of weights and data', whole('--seed', 0, Number.MAX_SAFE_INTEGER), 1)
}

function fuzzyCommand(): Command {
  return experiment('fuzzy', {
    about: 'a recurrent neuro-fuzzy cell identifies a plant (Narendra & Parthasarathy 1990)',
    example: '--rules 8 --seeds 1',
  })
    .option('--rules <N>', 'fuzzy rules, beside the model of one rule', whole('--rules', 2, 100), 5)
    .option('--epochs <N>', 'sequences of 900 steps to learn from', whole('--epochs', 1, 1e6), 100)
    .option('--seeds <N>', 'runs with the seeds 1 to N', seeds(1000), 3)
}

function fluidCommand(): Command {
  return experiment('fluid', {
    about: "the adjoint of Burgers' equation, golden numbers, and an initial state recovered by it",
    example: '--iterations 500',
  }).option('--iterations <N>', 'of gradient descent', whole('--iterations', 10, 1e6), 1000)
}
