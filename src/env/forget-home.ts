import { resolve } from 'node:path';
import { ShenvError } from '../base/errors.js';
import { account, freedTogether } from '../store/accounting.js';
import { listHoldings } from '../store/holdings.js';
import type { HomeId } from '../store/homes.js';
import { forgetHome } from '../store/roots.js';
import { type KnownHome, readHomes } from '../store/usage.js';
import { Environments } from './environments.js';
import { readStoreUse, titleOf } from './store-use.js';
import type { Workspace } from './workspace.js';

export interface Forgotten {
  home: HomeId;
  path: string | undefined;
  /** Environments and generations that the store had roots of. */
  environments: number;
  generations: number;
  /** Bytes on disk of images that nothing but this home referred to. */
  unusedBytes: number;
}

/**
 * Makes the store forget a home, by its id or path, with all that it refers to. Throws HOME_UNKNOWN, USAGE where several
 * homes were at this path, HOME_IN_USE where it can be reached and has environments, unless `force`.
 */
export async function forget(workspace: Workspace, text: string, force: boolean): Promise<Forgotten> {
  const home = findHome(await readHomes(workspace.store.layout), text);
  if (!force) await assertAbandoned(home);
  const use = await readStoreUse(workspace);
  const { images } = account(await listHoldings(workspace.store.layout), use.environments);
  const doomed = use.environments.filter((environment) => environment.home === home.id);
  await forgetHome(workspace.store.layout, home.id);
  return {
    home: home.id,
    path: home.path,
    environments: doomed.length,
    generations: doomed.reduce((sum, { generations }) => sum + generations.length, 0),
    unusedBytes: freedTogether(images, new Set(doomed)),
  };
}

function findHome(homes: readonly KnownHome[], text: string): KnownHome {
  const found = homes.filter(({ id, path }) => id === text || path === resolve(text));
  if (found.length === 1) return found[0]!;
  if (found.length > 1) {
    const ids = found.map(({ id, isReachable }) => `${id}${isReachable ? ' (there now)' : ''}`).join(', ');
    throw new ShenvError('USAGE', `Several homes were at ${resolve(text)}: ${ids}`, {
      hint: 'Name the one that is meant by its id.',
    });
  }
  throw new ShenvError('HOME_UNKNOWN', `The store knows no home '${text}'`, {
    hint: '`shenv-fs store roots` lists those that it knows.',
  });
}

async function assertAbandoned(home: KnownHome): Promise<void> {
  if (!home.isReachable || home.path === undefined) return;
  const names = await new Environments(home.path).list();
  if (names.length === 0) return;
  throw new ShenvError(
    'HOME_IN_USE',
    `The home ${titleOf(home)} can be reached and has ${names.length} of its environments (${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''})`,
    {
      hint: 'Delete them first; with --force the next gc may remove images that they show.',
      path: home.path,
    },
  );
}
