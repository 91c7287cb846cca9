import type { ProcessIdentity } from '../base/process-identity.js';
import { HeldLease } from '../store/leases.js';
import type { Store } from '../store/store.js';

export interface MountLeaseOptions {
  mountpoint: string;
  /** While this process lives, the leases do too. */
  keeper: ProcessIdentity | undefined;
  /** Go on with what the process before this one, under the same keeper, had taken. */
  isTakingOver: boolean;
}

/** The leases of a mount, one in each store that can be written. */
export async function takeMountLeases(store: Store, options: MountLeaseOptions): Promise<HeldLease[]> {
  const { mountpoint, keeper, isTakingOver } = options;
  const leases: HeldLease[] = [];
  for (const layout of store.layouts) {
    const adopted = isTakingOver && keeper ? await HeldLease.adopt(layout, mountpoint, keeper) : undefined;
    const lease = adopted ?? (await HeldLease.take(layout, 'mount', mountpoint, keeper));
    if (lease) leases.push(lease);
  }
  return leases;
}
