import { ShenvError } from '../../base/errors.js';
import type { Manifest } from '../../manifest/types.js';
import { ImageCache } from '../../store/image-cache.js';
import { publishWithFollowers } from '../publish.js';
import type { Workspace } from '../workspace.js';
import { type Adopted, commitAdoption } from './commit.js';
import { DiskTarget } from './disk-target.js';
import { loadLower } from './lower-view.js';
import type { AdoptionPlan } from './plan.js';
import { type Prepared, prepareAdoption } from './prepare.js';
import { quietMs } from './quiet.js';
import { readTimes } from './times.js';
import { inTurn } from './turn.js';
import { withUpperLock } from './upper-lock.js';
import { assertWritable } from './writable.js';

/** What became of one environment. */
export interface Outcome extends Omit<Prepared, 'plan'>, Adopted {
  name: string;
  generation: number;
}

/** Carries out a plan where others do: in the process that serves the environment. */
export type Delegate = (plan: AdoptionPlan) => Promise<Adopted>;

/** Where an environment is shown, who carries plans out there, and the time. */
interface Circumstances {
  mounts: readonly string[];
  delegate?: Delegate;
  nowMs: number;
}

/** An installer at work may make a plan void; what it needs of the store is there when it is made again. */
const attempts = 3;

/**
 * Takes what installers have finished out of an environment's upper layer into the store; one process at a time. `mounts`
 * are the paths at which it is shown; what serves it carries the plan out, through `delegate`, or else this process does,
 * which then holds the lock of the upper layer. Throws ENVIRONMENT_MISSING, NOT_WRITABLE, ENVIRONMENT_CHANGED,
 * ENVIRONMENT_IN_USE, and what keeps images from being made.
 */
export async function adopt(workspace: Workspace, name: string, at: Circumstances): Promise<Outcome> {
  await assertWritable(workspace, name);
  return inTurn(workspace, workspace.environments.upper(name), name, async () => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await adoptOnce(workspace, name, at);
      } catch (error) {
        const isOvertaken = error instanceof ShenvError && error.code === 'ENVIRONMENT_CHANGED';
        if (!isOvertaken || attempt === attempts) throw error;
      }
    }
  });
}

async function adoptOnce(
  workspace: Workspace,
  name: string,
  { mounts, delegate, nowMs }: Circumstances,
): Promise<Outcome> {
  const manifest = await workspace.environments.read(name);
  const folder = workspace.environments.upper(name).path;
  const request = { manifest, folder, mounts, quietSinceMs: nowMs - quietMs };
  const { plan, ...prepared } = await prepareAdoption(workspace, request);
  const commit = delegate ?? ((wanted) => commitOnDisk(workspace, manifest, wanted));
  const adopted = await commit(plan);
  const generation = plan.next?.generation ?? manifest.generation;
  return { name, generation, ...prepared, ...adopted };
}

/** For an upper layer that no process serves. Throws ENVIRONMENT_IN_USE where one does, and as `commitAdoption`. */
export async function commitOnDisk(
  workspace: Workspace,
  current: Manifest,
  plan: AdoptionPlan,
): Promise<Adopted> {
  const upper = workspace.environments.upper(current.name);
  return withUpperLock(upper, current.name, async () => {
    const images = new ImageCache(workspace.store);
    const lower = await loadLower(workspace, current, await readTimes(upper.path), images);
    const target = new DiskTarget(upper, lower);
    const publish = async (manifest: Manifest) => {
      if (manifest.generation !== current.generation) await publishWithFollowers(workspace, [manifest]);
    };
    const compose = (manifest: Manifest) => loadLower(workspace, manifest, new Map(), images);
    return commitAdoption({ target, current, compose, publish }, plan);
  });
}
