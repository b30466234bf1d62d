import { GraphError } from '@bptt/graph'
import { Command, CommanderError } from 'commander'
import { checkCommand } from './check.js'
import { compareCommand } from './compare.js'
import { exportCommand } from './export.js'
import { exitCodes, Failure, sentence, systemCode } from './failure.js'
import { inspectCommand } from './inspect.js'
import { predictCommand } from './predict.js'
import { reproduceCommand } from './reproduce.js'
import { sampleCommand } from './sample.js'
import { startCommand } from './start.js'
import { trainCommand } from './train.js'
import { verifyCommand } from './verify.js'
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
  const commands = [
    trainCommand(),
    sampleCommand(),
    predictCommand(),
    checkCommand(),
    compareCommand(),
    inspectCommand(),
    exportCommand(),
    startCommand(),
    verifyCommand(),
    reproduceCommand(),
  ]
  for (const command of commands) root.addCommand(settled(command, root))
  return root
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
    return explain(error, nameOf(root, words))
  }
}

function explain(error: unknown, name: string): number {
  if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.ok
  if (systemCode(error) === 'EPIPE') return exitCodes.ok
  if (error instanceof CommanderError && error.code === 'commander.help') return exitCodes.badInput
  const expected = error instanceof Failure || error instanceof GraphError || error instanceof CommanderError
  if (!expected && systemCode(error) === undefined) throw error
  process.stderr.write(`${name}: ${sentence(error).replace(/^error: /, '')}${flagFor(error, name)}\n`)
  return error instanceof Failure ? error.exitCode : exitCodes.badInput
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
