import { readdir, rm, writeFile } from 'node:fs/promises';
import test from 'ava';
import { Environments } from '../../../src/env/environments.js';
import { pinnedText } from '../../../src/env/pinned-request.js';
import { nothingWanted } from '../../../src/env/wanted.js';
import { sandboxOf } from '../../support/mounts.js';
import { createDemo, fails, writePackages } from '../../support/packages.js';

test('requirements that name their versions are one request, whatever files they stand in', async (t) => {
  const sandbox = await sandboxOf(t);
  const [one, two, all] = ['one.txt', 'two.txt', 'all.txt'].map((name) => sandbox.path(name)) as [
    string,
    string,
    string,
  ];
  await writeFile(one, 'alpha==1.0\n# why\nbeta==2.0\n');
  await writeFile(two, 'beta==2.0\n');
  await writeFile(all, 'alpha==1.0\n-r two.txt\n');
  const text = (more: object) => pinnedText({ ...nothingWanted, ...more });
  t.is(await text({ requirementFiles: [one] }), await text({ requirementFiles: [all] }));
  t.is(
    await text({ requirementFiles: [one] }),
    await text({ requirements: ['alpha==1.0'], requirementFiles: [two] }),
  );
  t.not(
    await text({ requirementFiles: [one] }),
    await text({ requirementFiles: [one], withDependencies: false }),
  );
  t.not(await text({ requirementFiles: [one] }), await text({ requirementFiles: [two] }));
  t.is(await text({ requirements: ['alpha>=1.0'] }), undefined);
  t.is(await text({ requirements: ['alpha==1.0'], constraintFiles: [two] }), undefined);
  t.is(await text({ requirements: ['alpha==1.0'], editables: ['.'] }), undefined);
});

test.serial('what pinned requirements came to is kept, while its images are there', async (t) => {
  const sandbox = await sandboxOf(t);
  const { source } = await writePackages(sandbox);
  await createDemo(sandbox, 'alpha', ...source);
  const plans = () => readdir(sandbox.path('home', 'plans')).catch(() => []);
  t.deepEqual(await plans(), []);
  const bare = ['--without-pip', '--no-bytecode', '--no-index'];
  await sandbox.expect('create', 'first', ...bare, 'alpha==2.0', 'beta==2.0');
  t.is((await plans()).length, 1);
  await sandbox.expect('create', 'second', ...bare, 'alpha==2.0', 'beta==2.0');
  t.is((await plans()).length, 1);
  const environments = new Environments(sandbox.path('home'));
  const [first, second] = [await environments.read('first'), await environments.read('second')];
  t.deepEqual(second.layers, first.layers);
  t.deepEqual(second.requested, ['alpha==2.0', 'beta==2.0']);
  await rm(sandbox.path('home', 'store', 'v1', 'images', 'alpha'), { recursive: true });
  await fails(
    t,
    sandbox,
    { code: 'RESOLVER_FAILED', says: /alpha/ },
    'create',
    'third',
    ...bare,
    'alpha==2.0',
    'beta==2.0',
  );
});
