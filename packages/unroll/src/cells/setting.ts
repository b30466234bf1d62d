import { GraphError } from '@bptt/graph'

/**
 * Checks a number that a user sets.
 * @throws GraphError `bad-setting` with the rule, where it does not hold.
 */
export function checkSetting(where: string, name: string, value: number, holds: boolean, rule: string): void {
  if (!holds) throw new GraphError('bad-setting', where, `${name} is ${value}; ${rule}`)
}
