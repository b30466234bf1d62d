/**
 * One sentence for a Node that is too old, or '' for one that will do.
 * `version` reads '22.1.0', `range` reads '>=20.19'. In old syntax, because it runs on the Node it rejects.
 */
export function tooOld(version, range) {
  const least = range.replace('>=', '')
  const have = version.split('.').map(Number)
  const need = least.split('.').map(Number)
  const place = need.findIndex((number, i) => number !== have[i])
  if (place < 0 || have[place] > need[place]) return ''
  return `bptt needs Node ${least} or newer and this is Node ${version}: install a current Node (https://nodejs.org) and run the same command again.`
}
