import { join } from 'node:path';
import { ShenvError } from '../base/errors.js';
import { type Accounts, account } from '../store/accounting.js';
import { bytesOnDisk, type DiskUsage, listHoldings, listImageNames, measureDisk } from '../store/holdings.js';
import type { UsingEnvironment } from '../store/usage.js';
import { readStoreUse, type StoreUse } from './store-use.js';
import type { Workspace } from './workspace.js';

export interface StoreAccounts extends Accounts {
  use: StoreUse;
  disk: DiskUsage;
  /** Bytes on disk of the manifests of this home. */
  manifests: number;
}

/** Who uses how much of the first store, and what else there is in it. */
export async function accountStore(workspace: Workspace): Promise<StoreAccounts> {
  const { places, store } = workspace;
  const use = await readStoreUse(workspace);
  const found = account(await listHoldings(store.layout), use.environments);
  const below = await Promise.all(store.parts.slice(1).map(({ layout }) => listImageNames(layout)));
  const environments = found.environments.map((item) => ({
    ...item,
    missing: item.missing.filter((image) => !below.some((names) => names.has(image))),
  }));
  const accounts = { ...found, environments };
  const disk = await measureDisk(store.layout);
  return { ...accounts, use, disk, manifests: await bytesOnDisk(join(places.home, 'environments')) };
}

/** The environments of this home with these names. Throws ENVIRONMENT_MISSING. */
export function ownEnvironments({ use }: StoreAccounts, names: readonly string[]): UsingEnvironment[] {
  return names.map((wanted) => {
    const found = use.environments.find(({ home, name }) => home === use.ownHome && name === wanted);
    if (found) return found;
    throw new ShenvError('ENVIRONMENT_MISSING', `There is no environment '${wanted}'`, {
      hint: '`shenv-fs list` shows those that there are.',
    });
  });
}
