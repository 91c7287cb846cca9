/** Run as a process of its own: upgrades `core` everywhere and is killed after the second generation. */

import { findPlaces } from '../../src/base/paths.js';
import { applyUpgrade } from '../../src/env/fleet.js';
import { planUpgrade } from '../../src/env/fleet-upgrade.js';
import { nothingWanted } from '../../src/env/wanted.js';
import { openWorkspace } from '../../src/env/workspace.js';

const [folder = ''] = process.argv.slice(2);
const workspace = openWorkspace(findPlaces());
const { environments } = workspace;
const commit = environments.commit.bind(environments);
let left = 2;
environments.commit = async (manifest) => {
  if (left === 0) process.kill(process.pid, 'SIGKILL');
  left -= 1;
  await commit(manifest);
};
const wanted = { ...nothingWanted, indexArgs: ['--no-index', '--find-links', folder] };
await applyUpgrade(workspace, await planUpgrade(workspace, { names: ['core'], within: '', wanted }));
