/**
 * Every error code that a user can meet, with the exit status that a command ends with.
 * A code never changes its meaning; scripts match on it.
 */
export const errorCodes = {
  USAGE: 2,
  WHEEL_NAME: 10,
  WHEEL_ARCHIVE: 11,
  WHEEL_ENTRY: 12,
  WHEEL_METADATA: 13,
  WHEEL_RECORD: 14,
  WHEEL_ENTRY_POINT: 15,
  IMAGE_DAMAGED: 20,
  IMAGE_VERSION: 21,
  STORE_UNUSABLE: 23,
  IMAGE_MISSING: 24,
  ROOTS_INCOMPLETE: 25,
  SERIAL_CLASH: 27,
  HOME_FOREIGN: 26,
  HOME_UNKNOWN: 28,
  HOME_IN_USE: 29,
  MANIFEST_DAMAGED: 30,
  ENVIRONMENT_NAME: 31,
  ENVIRONMENT_EXISTS: 32,
  ENVIRONMENT_MISSING: 33,
  ENVIRONMENT_CHANGED: 34,
  PATH_CONFLICT: 35,
  CHANGE_SUPERSEDED: 36,
  ENVIRONMENT_IN_USE: 37,
  SEALED_UNUSABLE: 38,
  HAS_LOCAL_EDITS: 39,
  INTERPRETER_MISSING: 40,
  INTERPRETER_UNUSABLE: 41,
  INTERPRETER_NONE: 42,
  RESOLVER_MISSING: 43,
  RESOLVER_FAILED: 44,
  REQUIREMENT: 45,
  REQUIREMENTS_MISSING: 46,
  LOCK_INVALID: 47,
  LOCK_UNSUITABLE: 48,
  DISTRIBUTION_MISSING: 49,
  ENGINE_UNAVAILABLE: 50,
  MOUNTPOINT_UNUSABLE: 51,
  MOUNT_FAILED: 52,
  NOT_MOUNTED: 53,
  MOUNT_BUSY: 54,
  DAEMON_UNREACHABLE: 55,
  NOT_SUPERVISED: 56,
  MOUNT_FOREIGN: 57,
  ENVIRONMENT_BUSY: 58,
  TARGET_UNUSABLE: 60,
  VENV_UNUSABLE: 61,
  PACK_DAMAGED: 62,
  ENVIRONMENT_FULL: 63,
  NOT_WRITABLE: 64,
  SETUP_PROBLEM: 70,
  PROGRAM_MISSING: 127,
} as const;

export type ErrorCode = keyof typeof errorCodes;

export interface ErrorDetails {
  /** One sentence: what the user can do. */
  hint?: string;
  cause?: unknown;
  path?: string;
  expected?: string;
  found?: string;
}

/** An error of the user's world: its message is one sentence of cause, `hint` one of remedy. */
export class ShenvError extends Error {
  override readonly name = 'ShenvError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly path: string | undefined;
  readonly expected: string | undefined;
  readonly found: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    this.path = details.path;
    this.expected = details.expected;
    this.found = details.found;
  }

  get exitStatus(): number {
    return errorCodes[this.code];
  }
}

/** The `code` of a Node system error (`ENOENT`, …), or undefined for anything else. */
export function systemErrorCode(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return undefined;
}

/** Gives `error` with `path` in its message where the system names none: errors of calls of an open file. */
export function naming(path: string, error: unknown): unknown {
  if (systemErrorCode(error) === undefined || (error as NodeJS.ErrnoException).path !== undefined)
    return error;
  (error as Error).message += ` '${path}'`;
  return Object.assign(error as Error, { path });
}

/** Whether the system did not allow it: no permission, or a read-only file system. */
export function isRefusal(error: unknown): boolean {
  return ['EACCES', 'EPERM', 'EROFS'].includes(systemErrorCode(error) ?? '');
}

/** Whether there is no room: on the file system, or in the user's part of it. */
export function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(systemErrorCode(error) ?? '');
}

/** What `operation` gives, or undefined when it fails with exactly the system error `code`. */
export async function unless<T>(code: string, operation: Promise<T>): Promise<T | undefined> {
  try {
    return await operation;
  } catch (error) {
    if (systemErrorCode(error) === code) return undefined;
    throw error;
  }
}
