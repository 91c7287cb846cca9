import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { stageFile } from '../base/atomic-write.js';
import type { Adopted } from '../env/adopt/commit.js';
import { type AdoptionPlan, encodePlan } from '../env/adopt/plan.js';
import type { Reverted } from '../env/adopt/revert.js';
import { askDaemon } from './runtime.js';

/** Where the daemon is that serves an environment. */
export interface Serving {
  runtime: string;
  home: string;
  mountpoint: string;
  name: string;
}

/**
 * Lets the daemon carry out a plan; it answers `Adopted` when all is done. Throws DAEMON_UNREACHABLE, and what
 * `commitAdoption` throws there.
 */
export async function requestAdoption(serving: Serving, plan: AdoptionPlan): Promise<Adopted> {
  const { runtime, home, mountpoint, name } = serving;
  // Too long for the line of a request.
  const file = await stageFile(join(home, 'tmp'), (staged) => staged.writeFile(encodePlan(plan)));
  try {
    const request = { operation: 'adopt', name, plan: file } as const;
    return (await askDaemon(runtime, mountpoint, request)) as Adopted;
  } finally {
    await rm(file, { force: true });
  }
}

/** Lets the daemon take local edits back; it answers `Reverted`. Throws DAEMON_UNREACHABLE, and what `revert` throws. */
export async function requestRevert(serving: Serving, paths: readonly string[]): Promise<Reverted> {
  const { runtime, mountpoint, name } = serving;
  const request = { operation: 'revert', name, paths } as const;
  return (await askDaemon(runtime, mountpoint, request)) as Reverted;
}
