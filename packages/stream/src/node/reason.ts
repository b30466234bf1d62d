const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EISDIR: 'it is a folder',
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EFBIG: 'it would be larger than the system allows',
  EDQUOT: 'the disk quota is used up',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'its links run in a circle',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
  EBUSY: 'it is in use',
  EIO: 'the disk reports an error',
  ERR_FS_FILE_TOO_LARGE: 'it is larger than can be read at once',
}

/** Why the system refused, in plain words; its own message when the code is not a known one. */
export function reason(error: unknown): string {
  const code = codeOf(error)
  const known = Object.hasOwn(reasons, code) ? reasons[code] : undefined
  return known ?? (error instanceof Error ? error.message : String(error))
}

/** The system's code of an error, such as `ENOENT`; empty when it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
