import { Command, CommanderError } from 'commander'
import { checkCommand } from './commands/check.js'
import { compareCommand } from './commands/compare.js'
import { exportCommand } from './commands/export.js'
import { inspectCommand } from './commands/inspect.js'
import { predictCommand } from './commands/predict.js'
import { reproduceCommand } from './commands/reproduce.js'
import { sampleCommand } from './commands/sample.js'
import { startCommand } from './commands/start.js'
import { trainCommand } from './commands/train.js'
import { verifyCommand } from './commands/verify.js'
import { exitCodes, Failure, sentence, systemCode } from './failure.js'
import { version } from './version.js'

const notes = `
Examples:
  bptt train --text notes.txt --seconds 60 --save
  bptt train --data machine.csv --input temperature --target load --seconds 60
  bptt sample --model bptt-model.safetensors --prompt 'The '
  bptt compare --text notes.txt --html report.html
  bptt check my-cell.ts
  bptt train --help

Exit codes:
  0 ok, 1 a finding (a check failed, a loss is not finite), 2 bad input, 130 Ctrl-C, 143 SIGTERM`

/** The program with all its commands. Errors are thrown, not printed; help goes to standard output. */
export function program(): Command {
  const root = new Command('bptt')
    .description('Train recurrent models on streams of text and numbers, from the terminal.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .helpCommand('help [command]', 'print help on a command')
    .addHelpText('after', notes)
  for (const command of commands()) root.addCommand(settled(command, root))
  return root
}

/** The commands. What one does is loaded when it is called, so that help, completion and a mistyped option are there at once. */
function commands(): readonly Command[] {
  return [
    trainCommand().action(async (options, command) => (await import('./train.js')).train(options, command)),
    sampleCommand().action(async options => (await import('./sample.js')).sample(options)),
    predictCommand().action(async options => (await import('./predict.js')).predict(options)),
    checkCommand().action(async (path, options) => (await import('./check.js')).check(path, options)),
    compareCommand().action(async options => (await import('./compare.js')).compare(options)),
    inspectCommand().action(async (path, options) => (await import('./inspect.js')).inspect(path, options)),
    exportCommand().action(async (path, options) => (await import('./export.js')).exportModel(path, options)),
    startCommand().action(async options => (await import('./start.js')).start(options)),
    verifyCommand().action(async (paths, options) => (await import('./verify.js')).verify(paths, options)),
    reproduceCommand(async (name, options) => (await import('./reproduce.js')).reproduce(name, options)),
  ]
}

/** A command and those below it with the settings of the root. */
function settled(command: Command, root: Command): Command {
  for (const below of command.commands) settled(below, root)
  return command.copyInheritedSettings(root).helpOption('-h, --help', 'print help')
}

/** Runs one command line and answers the exit code; what goes wrong is said in one sentence on standard error. */
export async function main(words: readonly string[]): Promise<number> {
  const root = program()
  try {
    await root.parseAsync(words.length === 0 ? ['--help'] : [...words], { from: 'user' })
    return Number(process.exitCode ?? exitCodes.ok)
  } catch (error) {
    return await explain(error, nameOf(root, words))
  }
}

async function explain(error: unknown, name: string): Promise<number> {
  if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.ok
  if (systemCode(error) === 'EPIPE') return exitCodes.ok
  if (error instanceof CommanderError && error.code === 'commander.help') return exitCodes.badInput
  const expected = error instanceof Failure || error instanceof CommanderError
  if (!expected && systemCode(error) === undefined && !(await isGraphError(error))) throw error
  process.stderr.write(`${name}: ${sentence(error).replace(/^error: /, '')}${flagFor(error, name)}\n`)
  return error instanceof Failure ? error.exitCode : exitCodes.badInput
}

/** Errors of the packages, which are loaded by now. */
async function isGraphError(error: unknown): Promise<boolean> {
  const { GraphError } = await import('@bptt/graph')
  return error instanceof GraphError
}

/** Where a file stands without the option that names it, that option. */
function flagFor(error: unknown, name: string): string {
  if (!(error instanceof CommanderError) || error.code !== 'commander.excessArguments') return ''
  const flags: Readonly<Record<string, string>> = {
    'bptt train': '--text FILE or --data FILE',
    'bptt compare': '--text FILE, --data FILE or --task NAME',
    'bptt sample': '--model FILE',
  }
  const flag = flags[name]
  return flag === undefined ? '' : ` (hint: ${flag})`
}

function nameOf(root: Command, words: readonly string[]): string {
  const [first] = words
  return root.commands.some(command => command.name() === first) ? `bptt ${first}` : 'bptt'
}
