import { join } from 'node:path';
import test from 'ava';
import { sha256 } from '../../../src/base/digest.js';
import { findPlaces } from '../../../src/base/paths.js';
import { rename } from '../../../src/env/generations.js';
import { openWorkspace, type Workspace } from '../../../src/env/workspace.js';
import { type Manifest, manifestVersion } from '../../../src/manifest/types.js';
import { refused } from '../../support/refusal.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

function manifestOf(name: string, serial: number, what: string): Manifest {
  return {
    version: manifestVersion,
    name,
    serial,
    generation: 1,
    change: { atMs: 0, what },
    createdMs: 0,
    interpreter: sha256(Buffer.from('a Python')),
    layers: [],
    nextSlot: 1,
    parents: [],
    options: { systemSitePackages: false, bytecode: false, held: [] },
    requested: [],
  };
}

function workspaceIn(folder: string): Workspace {
  return openWorkspace(findPlaces({ SHENV_HOME: join(folder, 'home') }));
}

test('a rename that ended before the old name was gone is ended by doing it again, under the same serial', async (t) => {
  const workspace = workspaceIn(await temporaryFolder(t));
  const { environments } = workspace;
  await environments.create(manifestOf('old', 1, 'create'));
  await environments.create(manifestOf('new', 2, 'create'));
  const { serial } = await rename(workspace, 'old', 'new');
  t.is(serial, 2);
  t.deepEqual(await environments.list(), ['new']);
});

test('an environment is not renamed to its own name, and stays', async (t) => {
  const workspace = workspaceIn(await temporaryFolder(t));
  await workspace.environments.create(manifestOf('old', 1, 'create'));
  await refused(t, 'ENVIRONMENT_EXISTS', ["'old'"], () => rename(workspace, 'old', 'old'));
  t.deepEqual(await workspace.environments.list(), ['old']);
});

test('an environment that is no such copy is in the way of a rename', async (t) => {
  const workspace = workspaceIn(await temporaryFolder(t));
  const { environments } = workspace;
  await environments.create(manifestOf('old', 1, 'create'));
  await environments.create(manifestOf('new', 2, 'clone of old@1'));
  await refused(t, 'ENVIRONMENT_EXISTS', ['new'], () => rename(workspace, 'old', 'new'));
  t.deepEqual(await environments.list(), ['new', 'old']);
});
