import { ShenvError, systemErrorCode } from '../base/errors.js';

/** What a command gives back: data for programs, text for people. */
export interface Report {
  data: unknown;
  text: string;
  /** How the command ends, where that is another program's to say; else 0. */
  exitStatus?: number;
}

/** Writes a command's report to stdout, as JSON where that was asked for. The only writer of stdout. */
export function writeReport(report: Report, asJson: boolean): void {
  const text = asJson ? JSON.stringify(report.data, null, 2) : report.text;
  if (text !== '') process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

/** Writes a part of what a command has to say, where all of it would be too much or never ends. */
export function writePart(text: string): void {
  process.stdout.write(text);
}

/** What a failure tells: its code, one sentence of cause, one of remedy, and the exit status. */
interface Failure {
  code: string;
  message: string;
  hint: string | undefined;
  exitStatus: number;
}

/**
 * Cause and remedy in two lines on stderr; with `asJson` also `{error: {code, message, hint}}` on
 * stdout, which a program that asked for JSON reads anyway. A stack only with SHENV_DEBUG. Gives the
 * exit status.
 */
export function writeError(error: unknown, asJson = false): number {
  const { code, message, hint, exitStatus } = failureOf(error);
  process.stderr.write(`shenv-fs: ${message} [${code}]\n`);
  if (hint) process.stderr.write(`  -> ${hint}\n`);
  if (process.env.SHENV_DEBUG && error instanceof Error) {
    process.stderr.write(`${error.stack}\n${String(error.cause ?? '')}\n`);
  }
  if (asJson) {
    process.stdout.write(`${JSON.stringify({ error: { code, message, hint: hint ?? null } }, null, 2)}\n`);
  }
  return exitStatus;
}

const fullHint = 'Make room there, with `shenv-fs store gc` or otherwise, and run the command again.';

/** What helps where the file system fails. */
const systemHints: ReadonlyMap<string, string> = new Map([
  ['ENOSPC', fullHint],
  ['EDQUOT', fullHint],
  ['EROFS', 'That file system is read-only: have it mounted for writing, or choose another place.'],
  ['EIO', "The disk or its server fails: the system's log tells more. Run the command again afterwards."],
]);

function failureOf(error: unknown): Failure {
  if (error instanceof ShenvError) return error;
  if (error instanceof Error && error.name === 'AbortError') {
    const message = 'interrupted; nothing was changed';
    return {
      code: 'INTERRUPTED',
      message,
      hint: 'Run the command again to do it after all.',
      exitStatus: 130,
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  const code = systemErrorCode(error) ?? 'UNEXPECTED';
  return { code, message, hint: systemHints.get(code) ?? 'Set SHENV_DEBUG=1 for details.', exitStatus: 1 };
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${units[unit]}`;
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
