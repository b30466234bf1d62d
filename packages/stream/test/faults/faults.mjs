/**
 * Faults that are planted one at a time in a copy of the source; what `known.mjs` asks must find each. Text that is found stands
 * exactly once in its file. `npm run faults stream` tries them all.
 */
export const faults = [
  // States
  {
    breaks: 'the state is committed before it is checked',
    file: 'learner.ts',
    find: 'const [after, report] = advance(counters, window, made, method)\n      program.commit()',
    replace: 'program.commit()\n      const [after, report] = advance(counters, window, made, method)',
  },
  {
    breaks: 'the next state is not checked',
    file: 'finite.ts',
    find: 'Number.isFinite(norm) && Number.isFinite(peak)) return',
    replace: 'Number.isFinite(norm)) return',
  },
  {
    breaks: 'what was restored is used for ever',
    file: 'learner.ts',
    find: 'outside = NOTHING\n',
    replace: '\n',
  },
  {
    breaks: 'events are counted by windows',
    file: 'update.ts',
    find: 'events: before.events + length,',
    replace: 'events: before.events + 1,',
  },
  {
    breaks: 'the count of updates is one behind after a restore',
    file: 'learner.ts',
    find: '  let { counters } = from\n',
    replace: '  let counters = { ...from.counters, updates: Math.max(0, from.counters.updates - 1) }\n',
  },
  {
    breaks: 'the mean loss does not weigh',
    file: 'update.ts',
    find: 'mean().update(before.prequential, loss, weight)',
    replace: 'mean().update(before.prequential, loss)',
  },

  // The place in the stream
  {
    breaks: 'the coins of a restored stream begin anew',
    file: 'window.ts',
    find: 'this.#t = from.t',
    replace: 'this.#t = 0',
  },
  {
    breaks: 'a restored segment has a new age',
    file: 'window.ts',
    find: 'from.lanes.map(lane => ({ ...lane, ',
    replace: 'from.lanes.map(lane => ({ ...lane, age: 0, ',
  },
  {
    breaks: 'a reset that is due is forgotten',
    file: 'window.ts',
    find: 'plain(lane.due ? { ...sample, reset: true } : sample)',
    replace: 'plain(sample)',
  },
  {
    breaks: 'what failed is not given back',
    file: 'learning.ts',
    find: 'cutter.giveBack(left)',
    replace: '',
  },
  {
    breaks: 'a lane that waits forgets what it holds',
    file: 'window.ts',
    find: 'lane.samples = whole ? [] : samples.slice(ended)',
    replace: 'lane.samples = []',
  },
  {
    breaks: 'the weight of an event is lost while it waits',
    file: 'sample.ts',
    find: 'weight === undefined ? marked : { ...marked, weight }',
    replace: 'marked',
  },
  {
    breaks: 'an event is kept as the buffer that the source may write to',
    file: 'sample.ts',
    find: 'const made = { input: copied(input), target: copied(target) }',
    replace: 'const made = { input, target }',
  },

  // Numbers that are not finite
  {
    breaks: 'a rollback goes back to the newest state',
    file: 'guard.ts',
    find: 'const [{ updates, ...values }] = held as [Kept]',
    replace: 'const { updates, ...values } = held.at(-1)!',
  },
  {
    breaks: 'a rollback keeps the count of updates',
    file: 'guard.ts',
    find: 'counters: { ...own.counters(), updates } })',
    replace: 'counters: own.counters() })',
  },
  {
    breaks: 'a sequence that begins in what is passed over is not begun',
    file: 'learning.ts',
    find: 'all || first!.lanes[lane]!.samples.some(({ reset }) => reset)',
    replace: 'all',
  },
  {
    breaks: 'the event that is named is the one before',
    file: 'finite.ts',
    find: '(loop ?? stepsOf(part)) + own\n',
    replace: '(loop ?? stepsOf(part)) + own - 1\n',
  },

  // Files
  {
    breaks: 'slots are not saved',
    file: 'node/model.ts',
    find: '...namedTensors(snapshot),',
    replace: "...namedTensors(snapshot).filter(([name]) => !name.startsWith('slots')),",
  },
  {
    breaks: 'states to go back to are not saved',
    file: 'node/model.ts',
    find: '...(kept && { kept: kept.map(({ updates }) => updates) }),',
    replace: '',
  },
  {
    breaks: 'a file is renamed before it is on the disk',
    file: 'node/files.ts',
    find: 'await file.writeFile(bytes)\n    await file.sync()',
    replace: 'await file.writeFile(bytes)',
  },
  {
    breaks: 'the kept file is replaced before the new one is in place',
    file: 'node/files.ts',
    find: 'await rename(temporary, target)\n    if (kept !== undefined) await rename(old, kept)',
    replace: 'if (kept !== undefined) await rename(old, kept)\n    await rename(temporary, target)',
  },
  {
    breaks: 'the folder is not flushed',
    file: 'node/files.ts',
    find: 'await replace(target, bytes, previous)\n    await flushFolder(folder)',
    replace: 'await replace(target, bytes, previous)',
  },
  {
    breaks: 'a snapshot of another optimiser is taken',
    file: 'restore.ts',
    find: 'given[part] !== own[part] && !changed.includes(part)',
    replace: 'false',
  },
  {
    breaks: 'a snapshot that is not finite is taken',
    file: 'restore.ts',
    find: '.data.find(value => !Number.isFinite(value))',
    replace: '.data.find(() => false)',
  },

  // Sources
  {
    breaks: 'an event that is dropped is not counted',
    file: 'backlog.ts',
    find: 'dropped: next.dropped + dropped + 1',
    replace: 'dropped: next.dropped + dropped',
  },
  {
    breaks: 'a source is read on when nobody listens',
    file: 'paced.ts',
    find: 'while (!observer.closed) {',
    replace: 'for (;;) {',
  },
]
