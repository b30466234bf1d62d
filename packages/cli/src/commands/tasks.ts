/** The name of a task that `--task` can name. */
export type TaskName =
  | 'mackey-glass'
  | 'lorenz'
  | 'sine'
  | 'narma'
  | 'copy'
  | 'adding'
  | 'anbn'
  | 'influence'
  | 'drift'

/** What is said of a task. */
export interface About {
  readonly about: string
  /** What the number after its name means, and the one that is taken where none is given. */
  readonly size?: { readonly name: string; readonly least: number; readonly usual: number }
}

/** The tasks by name. */
export const tasks: Readonly<Record<TaskName, About>> = {
  'mackey-glass': { about: 'the next value of a chaotic series with delay 17' },
  lorenz: { about: 'the next point of a chaotic system in three dimensions' },
  sine: { about: 'the next value of two sines, of periods 25 and 60' },
  narma: { about: 'a system of tenth order, from its input' },
  copy: { about: 'say 5 symbols again after N steps', size: { name: 'N', least: 1, usual: 10 } },
  adding: { about: 'the sum of two marked numbers among N', size: { name: 'N', least: 2, usual: 30 } },
  anbn: { about: 'words aⁿbⁿ with n up to N, symbol by symbol', size: { name: 'N', least: 1, usual: 16 } },
  influence: { about: 'influence balancing: one parameter, credit that is wrong where it is cut short' },
  drift: {
    about: 'two sines whose periods change every N steps',
    size: { name: 'N', least: 1, usual: 2000 },
  },
}
