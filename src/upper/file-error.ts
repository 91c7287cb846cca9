import { constants } from 'node:os';

/** Names of errnos that Linux has (errno(3)). */
export type ErrnoName = keyof typeof constants.errno;

/** An operation that the caller gets an errno for: looks like a system error of node. */
export class FileError extends Error {
  override readonly name = 'FileError';
  readonly code: ErrnoName;
  /** Positive. */
  readonly errno: number;

  constructor(code: ErrnoName, what = '') {
    super(what === '' ? code : `${code}: ${what}`);
    this.code = code;
    this.errno = constants.errno[code];
  }
}

/**
 * The positive errno of whatever an operation threw: that of a FileError, of a system error of node, or of a
 * system call of the addon. Undefined for anything else, which is a bug or a thing that the caller knows.
 */
export function errnoOf(error: unknown): number | undefined {
  if (error instanceof FileError) return error.errno;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? constants.errno[code as ErrnoName] : undefined;
}
