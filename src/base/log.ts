/** From the gravest down; what is less grave than a log's level is left out. */
export const logLevels = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof logLevels)[number];

/** What an event tells beside its message, as JSON can say it. */
export type LogFields = Readonly<Record<string, unknown>> & {
  time?: never;
  level?: never;
  event?: never;
  message?: never;
};

export interface LogEntry {
  /** ISO 8601, UTC. */
  time: string;
  level: LogLevel;
  /** What happened, in kebab case; it never changes its meaning, and programs match on it. */
  event: string;
  /** One sentence for people. */
  message: string;
  [field: string]: unknown;
}

/** Takes an entry; it neither throws nor waits. */
export type LogSink = (entry: LogEntry) => void;

export interface LogSettings {
  level: LogLevel;
  sinks: readonly LogSink[];
  /** In milliseconds since 1970. */
  now?: () => number;
}

/** Tells sinks what happens, where it is grave enough. */
export class Logger {
  readonly #settings: LogSettings;

  constructor(settings: LogSettings) {
    this.#settings = settings;
  }

  error(event: string, message: string, fields: LogFields = {}): void {
    this.#tell('error', event, message, fields);
  }

  warn(event: string, message: string, fields: LogFields = {}): void {
    this.#tell('warn', event, message, fields);
  }

  info(event: string, message: string, fields: LogFields = {}): void {
    this.#tell('info', event, message, fields);
  }

  debug(event: string, message: string, fields: LogFields = {}): void {
    this.#tell('debug', event, message, fields);
  }

  #tell(level: LogLevel, event: string, message: string, fields: LogFields): void {
    const { level: least, sinks, now = Date.now } = this.#settings;
    if (!isAsGrave(level, least)) return;
    const time = new Date(now()).toISOString();
    for (const sink of sinks) sink({ time, level, event, message, ...fields });
  }
}

export function isAsGrave(level: LogLevel, least: LogLevel): boolean {
  return logLevels.indexOf(level) <= logLevels.indexOf(least);
}

/** The entry of a line; what is no entry (a stack, a warning of the runtime) becomes an error with the event `output`. */
export function parseLogLine(line: string): LogEntry {
  try {
    const entry = JSON.parse(line) as LogEntry | null;
    if (entry && logLevels.includes(entry.level) && typeof entry.event === 'string') return entry;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return { time: '', level: 'error', event: 'output', message: line };
}

/** For people: time, level, event, message, and the fields as `name=value`. */
export function formatLogEntry({ time, level, event, message, ...fields }: LogEntry): string {
  const told = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${formatValue(value)}`);
  const when = time === '' ? ' '.repeat(20) : `${time.slice(0, 19).replace('T', ' ')}Z`;
  return `${when} ${level.padEnd(5)} ${event}: ${message}${told.length === 0 ? '' : ` |${told.join('')}`}`;
}

function formatValue(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
