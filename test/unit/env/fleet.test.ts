import { readdir, writeFile } from 'node:fs/promises';
import test from 'ava';
import { applyUpgrade, listChanges, rollbackChange, setHeld } from '../../../src/env/fleet.js';
import { type FleetEntry, planUpgrade } from '../../../src/env/fleet-upgrade.js';
import { endInterruptedChanges } from '../../../src/env/joint-change.js';
import { cloneMany, createOld, type Fleet, fleetOf } from '../../support/fleet.js';
import { sandboxOf } from '../../support/mounts.js';
import { fails } from '../../support/packages.js';
import { refused } from '../../support/refusal.js';
import { projectRoot } from '../../support/sandbox.js';

const plan = ({ workspace, wanted }: Fleet, names: string[], within = '') =>
  planUpgrade(workspace, { names, within, wanted });

const named = (entries: readonly FleetEntry[], environment: string) =>
  entries.find((entry) => entry.environment === environment)!;

test.serial(
  'of 30 environments all move that can, what has to move with it does, one that holds or is blocked stays',
  async (t) => {
    const sandbox = await sandboxOf(t);
    const fleet = await fleetOf(sandbox);
    const { workspace, versionIn } = fleet;
    await createOld(sandbox, fleet, 'plain', 'web');
    await createOld(sandbox, fleet, 'paired', 'pair');
    await createOld(sandbox, fleet, 'blocked', 'strict');
    await createOld(sandbox, fleet, 'asked', 'core<2');
    const plains = ['plain', ...(await cloneMany(fleet, 'plain', 26))];
    const [held] = plains;
    await setHeld(workspace, held!, { names: ['Core'], held: true });
    t.is((await workspace.environments.list()).length, 30);

    const dry = await sandbox.shenv('upgrade', 'core', '--everywhere', '--dry-run', ...fleet.source);
    t.is(dry.status, 1);
    t.regex(dry.stdout, /^paired +core +1\.0 +2\.0 +pair 1\.0 -> 2\.0$/m);
    t.regex(dry.stdout, /^plain +core +1\.0 +held$/m);
    t.regex(dry.stdout, /^Nothing was changed: 27 environments would be, 2 blocked$/m);
    const refusedAll = await sandbox.shenv('upgrade', 'core', '--everywhere', ...fleet.source);
    t.is(refusedAll.status, 1);
    t.regex(refusedAll.stdout, /^blocked: strict 1\.0 has requirement core<2, but you have core 2\.0\.$/m);
    t.regex(
      refusedAll.stdout,
      /^asked: the environment asked \(generation 1\) has requirement core<2, but you have core 2\.0\.$/m,
    );
    t.is((await workspace.environments.read('paired')).generation, 1);

    const applied = await sandbox.expect(
      'upgrade',
      'core',
      '--everywhere',
      '--skip-blocked',
      ...fleet.source,
    );
    t.regex(applied, /^Changed 27 environments, 2 blocked; change [0-9a-f]{8} /m);
    for (const name of plains.slice(1)) t.is(await versionIn(name, 'core'), '2.0', name);
    t.deepEqual([await versionIn('paired', 'core'), await versionIn('paired', 'pair')], ['2.0', '2.0']);
    for (const name of [held!, 'blocked', 'asked']) t.is(await versionIn(name, 'core'), '1.0', name);
    const { layers, change } = await workspace.environments.read('plain-01');
    t.is(layers.find(({ image }) => image.name === 'core')!.reason, 'dependency');
    t.is(change.what, 'upgrade core --everywhere');
  },
);

test.serial('no resolver runs for environments whose requirements stay met', async (t) => {
  const sandbox = await sandboxOf(t);
  const fleet = await fleetOf(sandbox);
  await createOld(sandbox, fleet, 'plain', 'web');
  await createOld(sandbox, fleet, 'newer', 'core', 'util');
  await sandbox.expect('store', 'add', `${fleet.source.at(-1)}/core-2.0-py3-none-any.whl`);
  const nowhere = { ...fleet.wanted, indexArgs: ['--no-index', '--find-links', sandbox.path('nothing')] };
  const { entries } = await plan({ ...fleet, wanted: nowhere }, ['core'], '==2.0');
  t.deepEqual(
    entries.map(({ environment, moves, blockedBy }) => [environment, moves.length, blockedBy.length]),
    [
      ['newer', 1, 0],
      ['plain', 1, 0],
    ],
  );
});

test.serial('requirements of the new version move what they need; held distributions do not', async (t) => {
  const sandbox = await sandboxOf(t);
  const fleet = await fleetOf(sandbox);
  await createOld(sandbox, fleet, 'free', 'needy');
  await cloneMany(fleet, 'free', 1);
  await setHeld(fleet.workspace, 'free-01', { names: ['base'], held: true });
  const { entries } = await plan(fleet, ['needy']);
  t.deepEqual(named(entries, 'free').movesWith, [{ name: 'base', from: '1.0', to: '2.0' }]);
  t.deepEqual(named(entries, 'free-01').blockedBy, ['base 1.0 is held, but 2.0 is needed.']);
  t.is(named(entries, 'free-01').next, undefined);
});

test.serial('an inherited layer is left to its environment', async (t) => {
  const sandbox = await sandboxOf(t);
  const fleet = await fleetOf(sandbox);
  const { environments } = fleet.workspace;
  await createOld(sandbox, fleet, 'parent', 'core');
  const [child = ''] = await cloneMany(fleet, 'parent', 1);
  const manifest = await environments.read(child);
  const layers = manifest.layers.map((layer) => ({ ...layer, from: 'parent' }));
  await environments.commit({ ...manifest, generation: 2, layers });
  const { entries } = await plan(fleet, ['core']);
  t.is(named(entries, 'parent').moves.length, 1);
  t.deepEqual(named(entries, child).stays, [{ name: 'core', version: '1.0', why: 'inherited from parent' }]);
});

test.serial('an environment that is changed meanwhile: no environment keeps the upgrade', async (t) => {
  const sandbox = await sandboxOf(t);
  const fleet = await fleetOf(sandbox);
  const { workspace, versionIn } = fleet;
  await createOld(sandbox, fleet, 'plain', 'web');
  const names = await cloneMany(fleet, 'plain', 4);
  const prepared = await plan(fleet, ['core']);
  await setHeld(workspace, names[2]!, { names: ['util'], held: true });
  await refused(t, 'ENVIRONMENT_CHANGED', [names[2]!], () => applyUpgrade(workspace, prepared));
  for (const name of ['plain', ...names]) t.is(await versionIn(name, 'core'), '1.0', name);
  t.deepEqual((await workspace.environments.read(names[2]!)).options.held, ['util']);
});

test.serial('an upgrade whose process was killed is ended by the next command', async (t) => {
  const sandbox = await sandboxOf(t);
  const fleet = await fleetOf(sandbox);
  const { workspace, versionIn } = fleet;
  await createOld(sandbox, fleet, 'plain', 'web');
  const names = ['plain', ...(await cloneMany(fleet, 'plain', 4))];
  const script = `${projectRoot}/build/test/support/die-in-upgrade.js`;
  const killed = await sandbox.run(process.execPath, [script, sandbox.path('wheels')]);
  t.not(killed.status, 0);
  const between = await Promise.all(names.map((name) => versionIn(name, 'core')));
  t.deepEqual(between, ['2.0', '2.0', '1.0', '1.0', '1.0'], killed.stderr);
  await endInterruptedChanges(workspace.environments, workspace.store);
  for (const name of names) t.is(await versionIn(name, 'core'), '2.0', name);
  t.deepEqual(await readdir(workspace.environments.changes), []);
  t.is((await listChanges(workspace))[0]!.environments.length, 5);
});

test.serial('a change goes back in all environments at once, unless one has moved on', async (t) => {
  const sandbox = await sandboxOf(t);
  const fleet = await fleetOf(sandbox);
  const { workspace, versionIn } = fleet;
  await createOld(sandbox, fleet, 'plain', 'web');
  const names = ['plain', ...(await cloneMany(fleet, 'plain', 2))];
  const { id, entries } = await plan(fleet, ['core']);
  await applyUpgrade(workspace, { id, entries });
  const back = await rollbackChange(workspace, id);
  for (const name of names) t.is(await versionIn(name, 'core'), '1.0', name);
  t.true(back.every(({ generation, change }) => generation === 3 && change.what === `rollback of ${id}`));
  await refused(t, 'CHANGE_SUPERSEDED', names, () => rollbackChange(workspace, id));
  await rollbackChange(workspace, back[0]!.change.id!);
  for (const name of names) t.is(await versionIn(name, 'core'), '2.0', name);
  const changes = await listChanges(workspace);
  t.is(changes.length, 3);
  t.true(changes[0]!.environments.every(({ isCurrent }) => isCurrent));
  await refused(t, 'ENVIRONMENT_MISSING', ['nonsense'], () => rollbackChange(workspace, 'nonsense'));
  const last = changes[0]!.id;
  await setHeld(workspace, 'plain-02', { names: ['web'], held: true });
  await refused(t, 'CHANGE_SUPERSEDED', ["'plain-02'"], () => rollbackChange(workspace, last));
});

test.serial('a version is not taken back, and --within says which to choose from', async (t) => {
  const sandbox = await sandboxOf(t);
  const fleet = await fleetOf(sandbox);
  await createOld(sandbox, fleet, 'old', 'web');
  await sandbox.expect('create', 'new', '--without-pip', '--no-bytecode', 'web', ...fleet.source);
  const { entries } = await plan(fleet, ['core'], '<2');
  t.deepEqual(
    entries.map(({ moves, stays }) => [moves.length, stays[0]!.why]),
    [
      [0, 'nothing newer'],
      [0, 'nothing newer'],
    ],
  );
  await refused(t, 'USAGE', ['nonsense'], () => plan(fleet, ['core'], 'nonsense'));
  await refused(t, 'DISTRIBUTION_MISSING', ['ghost'], () => plan(fleet, ['core', 'ghost']));
  const alone = { code: 'USAGE', says: /--everywhere/ } as const;
  await fails(t, sandbox, alone, 'upgrade', 'old', '--dry-run');
  await fails(t, sandbox, alone, 'upgrade', 'core', '--everywhere', '-r', 'x.txt');
});

test.serial(
  'hold and unhold make a generation that shows the same, and none when nothing changes',
  async (t) => {
    const sandbox = await sandboxOf(t);
    const fleet = await fleetOf(sandbox);
    await createOld(sandbox, fleet, 'plain', 'web');
    t.regex(await sandbox.expect('hold', 'plain', 'Core', 'web'), /'plain' holds core, web; .* generation 2/);
    t.regex(await sandbox.expect('hold', 'plain', 'core'), /generation 2/);
    t.regex(await sandbox.expect('unhold', 'plain', 'core'), /holds web; .* generation 3/);
    const [before, after] = [1, 3].map((number) => fleet.workspace.environments.read('plain', number));
    t.deepEqual((await before)!.layers, (await after)!.layers);
    t.is((await after)!.change.what, 'unhold core');
    await fails(t, sandbox, { code: 'DISTRIBUTION_MISSING', says: /ghost/ }, 'hold', 'plain', 'ghost');
  },
);

test.serial('an environment that cannot be read blocks a change of all, and can be left out', async (t) => {
  const sandbox = await sandboxOf(t);
  const fleet = await fleetOf(sandbox);
  await createOld(sandbox, fleet, 'good', 'core');
  await cloneMany(fleet, 'good', 1);
  await writeFile(sandbox.path('home', 'environments', 'good-01', '00000001.manifest'), 'damaged');
  const everywhere = ['upgrade', 'core', '--everywhere', ...fleet.source];
  const { status, stdout } = await sandbox.shenv(...everywhere);
  t.is(status, 1);
  t.regex(stdout, /^good-01: .*00000001\.manifest/m);
  t.is(await fleet.versionIn('good', 'core'), '1.0');
  const told = JSON.parse(await sandbox.expect(...everywhere, '--skip-blocked', '--json')) as {
    change: string;
  };
  t.is(await fleet.versionIn('good', 'core'), '2.0');
  const back = await rollbackChange(fleet.workspace, told.change);
  t.deepEqual(
    back.map(({ name }) => name),
    ['good'],
  );
});
