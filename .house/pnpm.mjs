import { closeSync, openSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { spawned } from './child.mjs'
import { root } from './paths.mjs'

/** Where pnpm's own words go. */
export const log = join(root, '.house', 'install.log')

/** Runs the pnpm that package.json pins through the npm that started us, its output going to the log file. */
export async function pnpm(args) {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const npm = process.env.npm_execpath ?? ''
  const wanted = ['--yes', '--prefer-offline', '--', packageManager, ...args]
  const out = openSync(log, 'w')
  const options = { stdio: ['ignore', out, out], env: { ...process.env, ...unattended } }
  try {
    if (basename(npm) === 'npm-cli.js')
      return await spawned(process.execPath, [npm, 'exec', ...wanted], options)
    return await spawned('npx', wanted, { ...options, shell: process.platform === 'win32' })
  } finally {
    closeSync(out)
  }
}

/** No questions, a log that says what happened even under `npm --silent`, and a soon answer without a network. */
const unattended = {
  CI: 'true',
  npm_config_loglevel: 'warn',
  npm_config_fetch_retries: '2',
  npm_config_fetch_retry_mintimeout: '1000',
  npm_config_fetch_retry_maxtimeout: '5000',
}
