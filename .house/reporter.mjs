/** Prints one closing line, after everything else: `N passed, N failed`, and what was skipped, if anything. */
export default class ClosingLine {
  onTestRunEnd(modules, errors) {
    const count = { passed: 0, failed: errors.length, skipped: 0 }
    for (const module of modules) {
      for (const test of module.children.allTests()) count[test.result().state] += 1
      const suites = [...module.children.allSuites()]
      if ([module, ...suites].some(suite => suite.errors().length > 0)) count.failed += 1 // a hook or the file itself
    }
    this.line = closing(count)
    if (!this.waiting) process.once('exit', () => process.stdout.write(`${this.line}\n`))
    this.waiting = true
  }
}

export function closing({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}
