import { readdir } from 'node:fs/promises';
import { unless } from '../../src/base/errors.js';
import type { StoreLayout } from '../../src/store/layout.js';
import { listFiles } from '../faults/invariants.js';
import { eventually } from '../support/eventually.js';

/** When nothing is left that refers to images, a collection leaves nothing of them. */
export async function assertEmptied(
  { images, condemned, staging, leases }: StoreLayout,
  collect: () => Promise<void>,
): Promise<void> {
  // A daemon ends its lease after its mount point is free.
  await eventually(async () => (await listFiles(leases)).length === 0, 'the mounts have ended');
  await collect();
  const kept = await Promise.all([condemned, staging, leases].map((item) => unless('ENOENT', readdir(item))));
  const left = [...(await listFiles(images)), ...kept.flat()].filter((item) => item !== undefined);
  if (left.length > 0) throw new Error(`gc left ${left.join(', ')}`);
}
