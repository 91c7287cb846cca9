import test from 'ava';
import { formatLogEntry, type LogEntry, Logger, logLevels, parseLogLine } from '../../../src/base/log.js';

function loggerOf(level: (typeof logLevels)[number]): { log: Logger; entries: LogEntry[] } {
  const entries: LogEntry[] = [];
  const sinks = [(entry: LogEntry) => void entries.push(entry)];
  return { log: new Logger({ level, sinks, now: () => 1_000_000_000_123 }), entries };
}

test('an entry has time in UTC, level, event and message before its fields', (t) => {
  const { log, entries } = loggerOf('info');
  log.warn('reload-failed', 'It failed', { code: 'X', tookMs: 3 });
  t.is(
    JSON.stringify(entries),
    '[{"time":"2001-09-09T01:46:40.123Z","level":"warn","event":"reload-failed","message":"It failed","code":"X","tookMs":3}]',
  );
});

test('what is less grave than the level of the log is left out', (t) => {
  for (const [index, level] of logLevels.entries()) {
    const { log, entries } = loggerOf(level);
    for (const each of logLevels) log[each]('event', each);
    t.deepEqual(
      entries.map((entry) => entry.level),
      logLevels.slice(0, index + 1),
    );
  }
});

test('a line that is no entry is an error with the line as its message', (t) => {
  for (const line of ['Segmentation fault', '{"a":1}', '[1', 'null', '3']) {
    const { level, event, message } = parseLogLine(line);
    t.deepEqual([level, event, message], ['error', 'output', line]);
  }
});

test('an entry is one line for people, whatever its fields hold', (t) => {
  const { log, entries } = loggerOf('debug');
  log.info('start', 'Starts', { path: '/a b', lines: 'x\ny', list: ['z'], none: undefined, count: 2 });
  t.is(
    formatLogEntry(entries[0]!),
    '2001-09-09 01:46:40Z info  start: Starts | path="/a b" lines="x\\ny" list=["z"] count=2',
  );
});
