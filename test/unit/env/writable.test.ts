import { chmod, lstat, mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { sha256 } from '../../../src/base/digest.js';
import { errno } from '../../../src/base/errno.js';
import { pack } from '../../../src/base/msgpack.js';
import { findPlaces } from '../../../src/base/paths.js';
import { createBare, deleteEmpty, errnoOf } from '../../../src/env/bare.js';
import { clone, rename } from '../../../src/env/generations.js';
import { loadView } from '../../../src/env/load-view.js';
import { loadSealed } from '../../../src/env/sealed/load.js';
import { seal } from '../../../src/env/sealed/seal.js';
import { openWorkspace, type Workspace } from '../../../src/env/workspace.js';
import { freezeUpper, makeWritable } from '../../../src/env/writable.js';
import { noInterpreter } from '../../../src/manifest/types.js';
import { keepInterpreter, readInterpreter } from '../../../src/python/interpreter-record.js';
import { ImageCache } from '../../../src/store/image-cache.js';
import { locate } from '../../../src/view/locate.js';
import { refused } from '../../support/refusal.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { fakeInterpreter } from '../../support/views.js';

async function workspaceOf(t: ExecutionContext): Promise<Workspace> {
  return openWorkspace(findPlaces({ SHENV_HOME: join(await temporaryFolder(t), 'home') }));
}

/** A bare environment whose upper layer has a file in a folder. */
async function edited(workspace: Workspace, name: string): Promise<void> {
  await createBare(workspace, name);
  const { tree } = workspace.environments.upper(name);
  await mkdir(join(tree, 'bin'));
  await writeFile(join(tree, 'bin/tool'), 'a tool');
}

test('a bare environment is writable, has no interpreter and shows an empty root', async (t) => {
  const workspace = await workspaceOf(t);
  const { environments, store } = workspace;
  const manifest = await createBare(workspace, 'new');
  t.deepEqual(await environments.read('new'), manifest);
  t.is(manifest.interpreter, noInterpreter);
  const upper = environments.upper('new');
  t.is(await upper.state(), 'writable');
  t.deepEqual((await readdir(upper.path)).sort(), ['lock', 'orphans', 'tree']);
  t.is((await stat(upper.tree)).mode & 0o7777, 0o755);
  const view = await loadView(manifest, new ImageCache(store), environments.interpreters, 'writable');
  t.is(view.root.entries.size, 0);
  t.true(view.isOwn);
  t.is(view.interpreter, undefined);
  t.deepEqual(await readdir(join(workspace.places.home, 'tmp')), []);
});

test('what lies under an upper layer says that it is read-only only while that is frozen, and has numbers of its own', async (t) => {
  const workspace = await workspaceOf(t);
  const { environments, store } = workspace;
  const record = fakeInterpreter();
  const interpreter = sha256(pack(record));
  await keepInterpreter(environments.interpreters, { key: interpreter, record });
  const manifest = { ...(await createBare(workspace, 'bare')), name: 'web', serial: 9, interpreter };
  await environments.create(manifest);
  await seal(workspace, 'web');
  const images = new ImageCache(store);
  for (const [upper, hasNotice, isOwn] of [
    ['none', true, false],
    ['writable', false, true],
    ['frozen', true, true],
  ] as const) {
    const composed = await loadView(manifest, images, environments.interpreters, upper);
    const sealed = await loadSealed(environments.sealed.pathOf(manifest), manifest, store, images, upper);
    for (const view of [composed, sealed!]) {
      t.is(view.isOwn, isOwn, upper);
      t.is(locate(view, 'pip.conf') !== undefined, hasNotice, upper);
      t.not(locate(view, 'bin/activate'), undefined);
    }
  }
});

test('what needs the interpreter of a bare environment says that it has none', async (t) => {
  const workspace = await workspaceOf(t);
  const { interpreter } = await createBare(workspace, 'new');
  const { interpreters } = workspace.environments;
  await refused(t, 'INTERPRETER_NONE', ['bare'], () => readInterpreter(interpreters, interpreter));
});

test('a name that is taken, or can be none, has an errno', async (t) => {
  const workspace = await workspaceOf(t);
  await createBare(workspace, 'new');
  const taken = await refused(t, 'ENVIRONMENT_EXISTS', ["'new'"], () => createBare(workspace, 'new'));
  const wrong = await refused(t, 'ENVIRONMENT_NAME', ["':'"], () => createBare(workspace, 'a:b'));
  t.is(errnoOf(taken), errno.EEXIST);
  t.is(errnoOf(wrong), errno.EINVAL);
  t.is(errnoOf(new Error('of another kind')), undefined);
});

test('an empty writable environment is deleted; one with a file, and one that is frozen, are not', async (t) => {
  const workspace = await workspaceOf(t);
  const { environments } = workspace;
  await edited(workspace, 'full');
  await t.throwsAsync(deleteEmpty(workspace, 'full'), { code: 'ENOTEMPTY' });
  await createBare(workspace, 'hidden');
  await writeFile(join(environments.upper('hidden').tree, '.wh.bin'), '');
  await freezeUpper(environments, 'hidden');
  await t.throwsAsync(deleteEmpty(workspace, 'hidden'), { code: 'EROFS' });
  await makeWritable(environments, 'hidden');
  await deleteEmpty(workspace, 'hidden');
  await refused(t, 'ENVIRONMENT_MISSING', ['hidden'], () => deleteEmpty(workspace, 'hidden'));
  t.deepEqual(await environments.list(), ['full']);
});

test('an environment is frozen and thawed with what it has in its upper layer', async (t) => {
  const workspace = await workspaceOf(t);
  const { environments } = workspace;
  await edited(workspace, 'web');
  const upper = environments.upper('web');
  t.is(await freezeUpper(environments, 'web'), 'writable');
  t.is(await upper.state(), 'frozen');
  t.is(await freezeUpper(environments, 'web'), 'frozen');
  t.true(await makeWritable(environments, 'web'));
  t.false(await makeWritable(environments, 'web'));
  t.is(await upper.state(), 'writable');
  t.is(await readFile(join(upper.tree, 'bin/tool'), 'utf8'), 'a tool');
});

test('an upper layer is made once, and nothing that was staged stays', async (t) => {
  const workspace = await workspaceOf(t);
  const { environments } = workspace;
  const manifest = await createBare(workspace, 'web');
  await environments.create({ ...manifest, name: 'plain', serial: await environments.claimSerial() });
  const upper = environments.upper('plain');
  t.is(await upper.state(), 'none');
  t.is(await freezeUpper(environments, 'plain'), 'none');
  const made = await Promise.all([upper.make(), upper.make(), upper.make()]);
  t.deepEqual(made.sort(), [false, false, true]);
  t.deepEqual((await readdir(join(upper.path, '..'))).sort(), ['00000001.manifest', 'upper']);
});

test('a link in the place of an upper layer is none', async (t) => {
  const workspace = await workspaceOf(t);
  const { environments } = workspace;
  const manifest = await createBare(workspace, 'web');
  await environments.create({ ...manifest, name: 'led', serial: await environments.claimSerial() });
  await symlink(environments.upper('web').path, environments.upper('led').path);
  t.is(await environments.upper('led').state(), 'none');
});

test('a rename takes the upper layer along, and ends one that was interrupted before or after that', async (t) => {
  const workspace = await workspaceOf(t);
  const { environments } = workspace;
  await edited(workspace, 'old');
  await rename(workspace, 'old', 'new');
  t.deepEqual(await environments.list(), ['new']);
  t.is(await readFile(join(environments.upper('new').tree, 'bin/tool'), 'utf8'), 'a tool');
  for (const isMoved of [false, true]) {
    const serial = await environments.claimSerial();
    await environments.create({ ...(await environments.read('new')), name: 'next', serial });
    if (isMoved) await environments.upper('new').moveTo(environments.upper('next'));
    t.is((await rename(workspace, 'new', 'next')).serial, serial);
    t.deepEqual(await environments.list(), ['next']);
    t.is(await readFile(join(environments.upper('next').tree, 'bin/tool'), 'utf8'), 'a tool');
    await rename(workspace, 'next', 'new');
  }
});

test('two writable environments that differ in nothing but name are not taken for a rename that was interrupted', async (t) => {
  const workspace = await workspaceOf(t);
  const { environments } = workspace;
  const manifest = await createBare(workspace, 'one');
  await environments.create({ ...manifest, name: 'two', serial: await environments.claimSerial() });
  await makeWritable(environments, 'two');
  await refused(t, 'ENVIRONMENT_EXISTS', ["'two'"], () => rename(workspace, 'one', 'two'));
  t.deepEqual(await environments.list(), ['one', 'two']);
});

test('a clone has a copy of the upper layer, writable, with modes, times and links', async (t) => {
  const workspace = await workspaceOf(t);
  const { environments } = workspace;
  await edited(workspace, 'web');
  const { tree, times, orphans } = environments.upper('web');
  await symlink('tool', join(tree, 'bin/link'));
  await chmod(join(tree, 'bin/tool'), 0o755);
  await utimes(join(tree, 'bin/tool'), 1_700_000_000, 1_700_000_000);
  await writeFile(join(tree, 'bin/.wh.gone'), '');
  await writeFile(times, 'times');
  await writeFile(join(orphans, 'ff'), 'open somewhere');
  await chmod(join(tree, 'bin'), 0o555);
  t.teardown(() => chmod(join(tree, 'bin'), 0o755));
  await freezeUpper(environments, 'web');
  await clone(workspace, 'web', 'copy');
  const copy = environments.upper('copy');
  t.teardown(() => chmod(join(copy.tree, 'bin'), 0o755).catch(() => undefined));
  t.is(await copy.state(), 'writable');
  t.deepEqual((await readdir(join(copy.tree, 'bin'))).sort(), ['.wh.gone', 'link', 'tool']);
  const tool = await stat(join(copy.tree, 'bin/tool'));
  t.is(tool.mode & 0o7777, 0o755);
  t.is(tool.mtimeMs, 1_700_000_000_000);
  t.true((await lstat(join(copy.tree, 'bin/link'))).isSymbolicLink());
  t.is((await stat(join(copy.tree, 'bin'))).mode & 0o7777, 0o555);
  t.is(await readFile(copy.times, 'utf8'), 'times');
  t.deepEqual(await readdir(copy.orphans), []);
  await clone(workspace, 'web@1', 'then');
  t.is(await environments.upper('then').state(), 'none');
});

test('an environment is deleted whatever the modes of the folders in its upper layer are', async (t) => {
  const workspace = await workspaceOf(t);
  const { environments, places } = workspace;
  await edited(workspace, 'web');
  await chmod(join(environments.upper('web').tree, 'bin'), 0o555);
  await environments.delete('web');
  t.deepEqual(await environments.list(), []);
  t.deepEqual(await readdir(join(places.home, 'tmp')), []);
});

test('pruning generations leaves the upper layer alone', async (t) => {
  const workspace = await workspaceOf(t);
  await edited(workspace, 'web');
  const { environments } = workspace;
  await environments.prune('web', [1]);
  t.deepEqual(await environments.generations('web'), [1]);
  t.is(await environments.upper('web').state(), 'writable');
});
