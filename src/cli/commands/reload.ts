import type { Workspace } from '../../env/workspace.js';
import { listRecords, reloadMounts } from '../../mount/runtime.js';
import { plural, type Report } from '../render.js';

/** Every mount of this home and this user on this host reads it again; returns when all show what it has. */
export async function reload({ places }: Workspace): Promise<Report> {
  const { runtime, home } = places;
  await reloadMounts(runtime, home);
  const mountpoints = (await listRecords(runtime))
    .filter((record) => record.home === home)
    .map(({ mountpoint }) => mountpoint);
  return { data: { mountpoints }, text: `${plural(mountpoints.length, 'mount')} reloaded` };
}
