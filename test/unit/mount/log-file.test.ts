import { appendFile, open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { Logger } from '../../../src/base/log.js';
import { followLog, logToFile, readLog } from '../../../src/mount/log-file.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const mostBytes = 1000;

function loggerTo(path: string): Logger {
  return new Logger({ level: 'info', sinks: [logToFile(path, mostBytes)] });
}

test('a log stays below its size, what was before stays once, and nothing of the newest is lost', async (t) => {
  const path = join(await temporaryFolder(t), 'log');
  const log = loggerTo(path);
  for (let count = 0; count < 100; count += 1) log.info('count', 'Counting', { count });
  t.true((await stat(path)).size <= mostBytes);
  t.true((await stat(`${path}.old`)).size <= mostBytes);
  const { text } = (await readLog(path))!;
  const counts = text
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { count: number }).count);
  t.deepEqual(
    counts,
    Array.from({ length: counts.length }, (_, index) => 100 - counts.length + index),
  );
  t.true(counts.length >= 10);
});

test('who has the file open, as its stderr, writes into the file that is read, also after it was rotated', async (t) => {
  const path = join(await temporaryFolder(t), 'log');
  const output = await open(path, 'a', 0o600);
  const log = loggerTo(path);
  for (let count = 0; count < 20; count += 1) log.info('count', 'Counting', { count });
  await output.write('out of memory\n');
  await output.close();
  t.true((await readFile(path, 'utf8')).includes('out of memory\n'));
});

test('a log that cannot be written is no reason to fail', (t) => {
  t.notThrows(() => {
    const log = new Logger({ level: 'info', sinks: [logToFile('/dev/full')] });
    log.info('count', 'Counting');
  });
});

test('following tells what is appended, and goes on in a log that was rotated', async (t) => {
  const path = join(await temporaryFolder(t), 'log');
  const log = loggerTo(path);
  log.info('past', 'Not followed');
  const { endBytes } = (await readLog(path))!;
  const abort = new AbortController();
  const deadline = setTimeout(() => abort.abort(), 10_000);
  t.teardown(() => clearTimeout(deadline));
  await appendFile(path, '{"half":');
  let text = '';
  for await (const piece of followLog(path, endBytes, abort.signal)) {
    text += piece;
    if (text === '{"half":') await appendFile(path, '1}\n');
    else if (text.endsWith('1}\n')) {
      // Grows beyond the size, so that the file begins anew, shorter than what was followed.
      for (let count = 0; (await stat(path)).size > endBytes; count += 1) log.info('count', 'x', { count });
    } else if (text.includes('"count"')) abort.abort();
  }
  t.false(text.includes('past'));
  t.regex(text, /^{"half":1}\n{"time":.*"count":\d+}\n/s);
});
