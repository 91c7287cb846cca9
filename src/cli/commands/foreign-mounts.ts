import { listForeignMounts } from '../../mount/mountpoint.js';

/** A line for each mount of this program that a daemon of another user serves. */
export async function describeForeignMounts(): Promise<string[]> {
  return (await listForeignMounts()).map(
    ({ mountpoint, uid, isShared }) =>
      `${mountpoint}: of user ${uid}, ${isShared ? 'for all users' : 'for this user alone'}`,
  );
}
