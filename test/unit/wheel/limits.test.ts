import test from 'ava';
import { currentLimits, defaultLimits, parseLimits } from '../../../src/wheel/limits.js';
import { refused } from '../../support/refusal.js';
import { Sandbox } from '../../support/sandbox.js';
import { writeWheel } from '../../support/wheel-builder.js';

test('without the variable the defaults hold', (t) => {
  t.deepEqual(currentLimits({}), defaultLimits);
  t.deepEqual(currentLimits({ SHENV_WHEEL_LIMITS: '' }), defaultLimits);
});

test('a setting changes one limit and leaves the others', (t) => {
  const limits = currentLimits({ SHENV_WHEEL_LIMITS: 'entries=1000000, totalBytes=64G,' });
  t.deepEqual(limits, { ...defaultLimits, entries: 1_000_000, totalBytes: 64 * 2 ** 30 });
});

test('K, M, G and T are powers of 1024', (t) => {
  const { memberBytes, recordBytes, totalBytes, directoryBytes } = parseLimits(
    'memberBytes=3K,recordBytes=2M,totalBytes=1T,directoryBytes=0',
  );
  t.deepEqual([memberBytes, recordBytes, totalBytes, directoryBytes], [3072, 2 ** 21, 2 ** 40, 0]);
});

for (const wrong of [
  'entries',
  'entries=',
  'entries=-1',
  'entries=1.5',
  'entries=1k',
  'entries=99999999999999999999',
  'totalBytes=9999999999T',
  'Entries=1',
  'toString=1',
  '__proto__=1',
  'entries=1;totalBytes=2',
]) {
  test(`the setting ${wrong} is a wrong use`, async (t) => {
    const error = await refused(t, 'USAGE', ['SHENV_WHEEL_LIMITS', wrong], () =>
      parseLimits(`density=9,${wrong}`),
    );
    t.true(error.hint?.includes('totalBytes'));
  });
}

test('a wrong setting fails what opens a wheel and nothing else', async (t) => {
  const sandbox = await Sandbox.make();
  t.teardown(() => sandbox.destroy());
  const wheel = await writeWheel(sandbox.path('wheels'), { files: { 'a.py': '' } });
  sandbox.variables.SHENV_WHEEL_LIMITS = 'nonsense';
  const [added, listed] = [await sandbox.shenv('store', 'add', wheel), await sandbox.shenv('list')];
  t.is(added.status, 2);
  t.regex(added.stderr, /'nonsense' sets no limit \[USAGE\]/);
  t.is(listed.status, 0, listed.stderr);
  sandbox.variables.SHENV_WHEEL_LIMITS = 'entries=1';
  t.regex((await sandbox.shenv('store', 'add', wheel)).stderr, /SHENV_WHEEL_LIMITS=entries=…/);
});
