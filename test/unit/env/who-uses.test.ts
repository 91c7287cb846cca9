import { writeFile } from 'node:fs/promises';
import test from 'ava';
import { type Link, whoUses } from '../../../src/env/who-uses.js';
import { cloneMany, createOld, fleetOf } from '../../support/fleet.js';
import { sandboxOf } from '../../support/mounts.js';
import { fails } from '../../support/packages.js';

const text = (chain: readonly Link[]) =>
  chain.map(({ name, requirement }) => `${name} ${requirement ?? ''}`.trim()).join(' > ');

test.serial('who-uses tells environments, versions and why: asked for, needed, inherited', async (t) => {
  const sandbox = await sandboxOf(t);
  const fleet = await fleetOf(sandbox);
  const { environments } = fleet.workspace;
  await createOld(sandbox, fleet, 'asked', 'core<2', 'web');
  await createOld(sandbox, fleet, 'deep', 'deep');
  await createOld(sandbox, fleet, 'other', 'base');
  await cloneMany(fleet, 'deep', 1);
  const child = await environments.read('deep-01');
  const layers = child.layers.map((layer) => ({ ...layer, from: 'deep' }));
  await environments.commit({ ...child, generation: 2, layers });
  const { uses } = await whoUses(fleet.workspace, 'Core');
  t.deepEqual(
    uses.map(({ environment, version, why, requirement, from }) => [
      environment,
      version,
      why,
      requirement,
      from,
    ]),
    [
      ['asked', '1.0', 'requested', 'core<2', undefined],
      ['deep', '1.0', 'dependency', undefined, undefined],
      ['deep-01', '1.0', 'inherited', undefined, 'deep'],
    ],
  );
  t.deepEqual(uses[0]!.chains.map(text), ['web > core >=1']);
  t.deepEqual(uses[1]!.chains.map(text), ['deep > web * > core >=1'], 'not the longer one through util');
  const table = await sandbox.expect('who-uses', 'core');
  t.regex(table, /^deep +1\.0 +dependency +deep 1\.0 -> web \[\*\] -> core \[>=1\]$/m);
  t.regex(table, /^deep-01 +1\.0 +inherited +deep; deep 1\.0 -> /m);
});

test.serial('a specifier tells versions apart, --all-generations looks at earlier ones too', async (t) => {
  const sandbox = await sandboxOf(t);
  const fleet = await fleetOf(sandbox);
  await createOld(sandbox, fleet, 'moved', 'core');
  await sandbox.expect('upgrade', 'moved', 'core', ...fleet.source);
  t.deepEqual((await whoUses(fleet.workspace, 'core<2')).uses, []);
  t.is(await sandbox.expect('who-uses', 'core<2'), 'No environment has core<2.\n');
  const { uses } = await whoUses(fleet.workspace, 'core<2', { allGenerations: true });
  t.deepEqual(
    uses.map(({ generation, isCurrent, version }) => [generation, isCurrent, version]),
    [[1, false, '1.0']],
  );
  t.regex(await sandbox.expect('who-uses', 'core', '--all-generations'), /^moved@2 .*\nmoved@1 /m);
  await fails(t, sandbox, { code: 'REQUIREMENT', says: /no requirement/ }, 'who-uses', 'core=2');
  await fails(t, sandbox, { code: 'USAGE', says: /name and a version/ }, 'who-uses', 'core[x]');
});

test.serial('an environment that cannot be read is named, the others are told all the same', async (t) => {
  const sandbox = await sandboxOf(t);
  const fleet = await fleetOf(sandbox);
  await createOld(sandbox, fleet, 'good', 'core');
  await cloneMany(fleet, 'good', 1);
  await writeFile(sandbox.path('home', 'environments', 'good-01', '00000001.manifest'), 'damaged');
  const { uses, unreadable } = await whoUses(fleet.workspace, 'core');
  t.deepEqual(
    uses.map(({ environment }) => environment),
    ['good'],
  );
  t.deepEqual(
    unreadable.map(({ environment }) => environment),
    ['good-01'],
  );
});
