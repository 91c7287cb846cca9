import { ShenvError } from '../../base/errors.js';
import type { Places } from '../../base/paths.js';
import { canonicalMountpoint } from '../../mount/mountpoint.js';
import { listRecords } from '../../mount/runtime.js';

/**
 * The mount point that a command means: the one that is named, else the only one with a record, else where `mount`
 * mounts by default. Throws USAGE where several could be meant.
 */
export async function chooseMount(places: Places, path: string | undefined): Promise<string> {
  if (path !== undefined) return canonicalMountpoint(path);
  const usual = await canonicalMountpoint(places.mountpoint);
  const known = (await listRecords(places.runtime)).map(({ mountpoint }) => mountpoint);
  if (known.length === 1) return known[0]!;
  if (known.length === 0 || known.includes(usual)) return usual;
  throw new ShenvError('USAGE', `Several mounts could be meant: ${known.join(', ')}`, {
    hint: 'Name one of them.',
  });
}
