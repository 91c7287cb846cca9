import { ShenvError } from '../../base/errors.js';
import { formatLogEntry, isAsGrave, type LogLevel, parseLogLine } from '../../base/log.js';
import { followLog, readLog } from '../../mount/log-file.js';
import { runtimeFiles } from '../../mount/runtime.js';
import type { Surroundings } from '../grammar/shared.js';
import { writePart } from '../render.js';
import { chooseMount } from './chosen-mount.js';

export interface LogOptions {
  follow?: boolean;
  level: LogLevel;
  json?: boolean;
}

/** Throws NOT_MOUNTED where no mount has logged anything. */
export async function log(
  { places, signal }: Surroundings,
  path: string | undefined,
  options: LogOptions,
): Promise<undefined> {
  const mountpoint = await chooseMount(places, path);
  const { log: file } = runtimeFiles(places.runtime, mountpoint);
  const past = await readLog(file);
  if (past === undefined) {
    throw new ShenvError('NOT_MOUNTED', `No mount at ${mountpoint} has logged anything`, {
      hint: '`shenv-fs status` lists running mounts.',
    });
  }
  const lines = new Lines(options);
  lines.take(past.text);
  if (options.follow) for await (const text of followLog(file, past.endBytes, signal)) lines.take(text);
  lines.end();
}

/** Prints entries of text that comes in pieces. */
class Lines {
  readonly #options: LogOptions;
  #rest = '';

  constructor(options: LogOptions) {
    this.#options = options;
  }

  take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop()!;
    const printed = lines.map((line) => this.#format(line)).join('');
    if (printed !== '') writePart(printed);
  }

  /** What had no end of line. */
  end(): void {
    if (this.#rest !== '') this.take('\n');
  }

  #format(line: string): string {
    const entry = parseLogLine(line);
    if (line === '' || !isAsGrave(entry.level, this.#options.level)) return '';
    return `${this.#options.json ? JSON.stringify(entry) : formatLogEntry(entry)}\n`;
  }
}
