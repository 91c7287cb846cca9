import test from 'ava';
import { withCompileWorkers } from '../../../src/python/compile-workers.js';

const request = { image: '/nowhere', output: '/nowhere', files: [] };
const refused = { code: 'INTERPRETER_UNUSABLE' };

test('a compile process that is gone refuses every request, also one that comes after its end', async (t) => {
  await withCompileWorkers('/bin/true', 1, ['item'], async (_, compile) => {
    await t.throwsAsync(compile(request), refused);
    await t.throwsAsync(compile(request), refused);
  });
});

test('an interpreter that cannot be started is an error', async (t) => {
  const work = withCompileWorkers('/nowhere/python', 1, ['item'], async (_, compile) => {
    await compile(request);
  });
  await t.throwsAsync(work, refused);
});

test('when one item fails no other is begun, and those that were begun have ended', async (t) => {
  const begun: string[] = [];
  const ended: string[] = [];
  const work = withCompileWorkers('/bin/cat', 2, ['fails', 'lasts', 'waits'], async (item) => {
    begun.push(item);
    if (item === 'fails') throw new Error(item);
    await new Promise((resolve) => setImmediate(resolve));
    ended.push(item);
  });
  await t.throwsAsync(work, { message: 'fails' });
  t.deepEqual(begun, ['fails', 'lasts']);
  t.deepEqual(ended, ['lasts']);
});
