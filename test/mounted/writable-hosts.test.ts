import { open, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { mountOrSkip, sandboxOf } from '../support/mounts.js';

test('a writable environment is shown by one host, a sealed one with its local edits by all', async (t) => {
  const sandbox = await sandboxOf(t);
  await sandbox.expect('create', 'web', '--writable', '--without-pip');
  const runtime = sandbox.variables.SHENV_RUNTIME;
  const on = async <T>(host: 'one' | 'two', work: () => Promise<T>): Promise<T> => {
    sandbox.variables.SHENV_RUNTIME = host === 'one' ? runtime : sandbox.path('run of another host');
    try {
      return await work();
    } finally {
      sandbox.variables.SHENV_RUNTIME = runtime;
    }
  };
  const run = (host: 'one' | 'two', ...args: string[]) => on(host, () => sandbox.expect(...args));
  const [one, two] = [
    await on('one', () => mountOrSkip(t, sandbox, 'kernel', 'one', '--poll', '0')),
    await on('two', () => mountOrSkip(t, sandbox, 'kernel', 'two', '--poll', '0')),
  ];
  if (one === undefined || two === undefined) return;
  const file = (mountpoint: string) => join(mountpoint, 'web', 'notes.txt');
  const read = (mountpoint: string) => readFile(file(mountpoint), 'utf8');

  await writeFile(file(one), 'of one');
  await writeFile(join(one, 'web', 'gone.txt'), 'without a name');
  const gone = await open(join(one, 'web', 'gone.txt'));
  await unlink(join(one, 'web', 'gone.txt'));
  await t.throwsAsync(read(two), { code: 'EBUSY' });
  const refused = await on('two', () => sandbox.shenv('seal', 'web'));
  t.regex(refused.stderr, /\[ENVIRONMENT_BUSY\]/);

  await run('one', 'seal', 'web');
  t.is(await read(two), 'of one');
  t.is(await read(one), 'of one');
  for (const mountpoint of [one, two])
    await t.throwsAsync(writeFile(file(mountpoint), ''), { code: 'EROFS' });
  t.is((await gone.readFile()).toString(), 'without a name');
  await gone.close();

  await run('two', 'unseal', 'web');
  await writeFile(file(two), 'of two, which is longer');
  await run('one', 'reload');
  await t.throwsAsync(read(one), { code: 'EBUSY' });

  // One host does not hear of what another does between two reloads of its own.
  await run('two', 'seal', 'web');
  await run('one', 'reload');
  t.is(await read(one), 'of two, which is longer');
  await run('two', 'unseal', 'web');
  await writeFile(file(two), 'other');
  await run('two', 'seal', 'web');
  await run('one', 'reload');
  t.is(await read(one), 'other');
  t.is(await read(two), 'other');

  await run('one', 'unseal', 'web');
  await writeFile(file(one), 'of one again');
  t.is(await read(one), 'of one again');
  await run('two', 'unmount', two);
});
