import test from 'ava';
import { withActivation, withoutActivation } from '../../../src/cli/commands/active-environment.js';

test('activating puts the environment first on PATH and takes PYTHONHOME away', (t) => {
  const variables = { PATH: '/usr/bin:/bin', PYTHONHOME: '/python', SHENV_HOME: '/home', LANG: 'C' };
  t.deepEqual(withActivation(variables, '/mnt/demo', 'demo'), {
    PATH: '/mnt/demo/bin:/usr/bin:/bin',
    VIRTUAL_ENV: '/mnt/demo',
    VIRTUAL_ENV_PROMPT: 'demo',
    SHENV_HOME: '/home',
    LANG: 'C',
  });
});

test('activating leaves the environment that was active before', (t) => {
  const outer = withActivation({ PATH: '/usr/bin' }, '/mnt/outer', 'outer');
  t.is(withActivation(outer, '/mnt/inner', 'inner').PATH, '/mnt/inner/bin:/usr/bin');
});

test('an empty or missing PATH gives no empty folder, which would be the working folder', (t) => {
  t.is(withActivation({}, '/mnt/demo', 'demo').PATH, '/mnt/demo/bin');
  t.is(withActivation({ PATH: '' }, '/mnt/demo', 'demo').PATH, '/mnt/demo/bin');
});

test('without its activation nothing is left of an environment', (t) => {
  const active = withActivation({ PATH: '/usr/bin:/bin', HOME: '/home/me' }, '/mnt/demo', 'demo');
  t.deepEqual(withoutActivation({ ...active, _OLD_VIRTUAL_PATH: '/usr/bin' }), {
    PATH: '/usr/bin:/bin',
    HOME: '/home/me',
  });
});
