import Table from 'cli-table3';
import { ShenvError } from '../base/errors.js';

/** What a command gives back: data for programs, text for people. */
export interface Report {
  data: unknown;
  text: string;
  /** Where it is not 0. */
  exitStatus?: number;
}

/** Writes a command's report to stdout, as JSON where that was asked for. The only writer of stdout. */
export function writeReport(report: Report, asJson: boolean): void {
  const text = asJson ? JSON.stringify(report.data, null, 2) : report.text;
  if (text !== '') process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

/** Cause and remedy in two lines; a stack only with SHENV_DEBUG or for a failure that is no user's. */
export function writeError(error: unknown): number {
  if (error instanceof ShenvError) {
    process.stderr.write(`shenv-fs: ${error.message} [${error.code}]\n`);
    if (error.hint) process.stderr.write(`  -> ${error.hint}\n`);
    if (process.env.SHENV_DEBUG) process.stderr.write(`${error.stack}\n${String(error.cause ?? '')}\n`);
    return error.exitStatus;
  }
  if (error instanceof Error && error.name === 'AbortError') {
    process.stderr.write('shenv-fs: interrupted; nothing was changed\n');
    return 130;
  }
  const text = error instanceof Error ? error.message : String(error);
  process.stderr.write(`shenv-fs: ${text}\n  -> Set SHENV_DEBUG=1 for details.\n`);
  if (process.env.SHENV_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return 1;
}

/** Columns without borders, as ls and docker print them. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const none = { top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '' };
  const more = { 'bottom-left': '', 'bottom-right': '', left: '', 'left-mid': '', mid: '', 'mid-mid': '' };
  const table = new Table({
    head: [...head],
    chars: { ...none, ...more, right: '', 'right-mid': '', middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const row of rows) table.push([...row]);
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
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
