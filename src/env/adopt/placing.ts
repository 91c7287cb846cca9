import { rm, stat } from 'node:fs/promises';
import { sha256 } from '../../base/digest.js';
import { ShenvError, unless } from '../../base/errors.js';
import type { Image } from '../../image/read.js';
import { putWheel } from '../../store/put.js';
import { findEqualImage } from '../transfer/equal-image.js';
import { planInstalled, type WheelPlan, writeWheels } from '../transfer/repack.js';
import type { Installed } from '../transfer/survey.js';
import type { Venv } from '../transfer/venv.js';
import type { Workspace } from '../workspace.js';
import type { Skipped } from './plan.js';
import { type Forms, findForms } from './writer.js';

/** An installed distribution and its image. */
export interface Placed {
  installed: Installed;
  image: Image;
  forms: Forms;
}

/** Marks images as made from what was installed: no requirement by name and version takes them for the index's. */
const importedMark = sha256(Buffer.from('packed from an installed distribution'));

/**
 * The image of each distribution: what the store has, equal file by file, or else what is packed and put there. What the
 * store refuses, or has no whole copy of, stays in the upper layer.
 */
export async function placeAll(
  workspace: Workspace,
  installed: readonly Installed[],
  { venv, python, folder }: { venv: Venv; python: string; folder: string },
): Promise<{ placed: Placed[]; skipped: Skipped[]; imagesAdded: number }> {
  const placed: Placed[] = [];
  const skipped: Skipped[] = [];
  const plans = new Map<Installed, WheelPlan>();
  for (const item of installed) {
    workspace.signal?.throwIfAborted();
    const image = await findEqualImage(workspace, venv, item);
    const changed = [...item.files].find(([, { recorded }]) => recorded !== undefined)?.[0];
    if (image) placed.push({ installed: item, image, forms: await findForms(venv, item) });
    else if (changed === undefined)
      plans.set(item, { ...planInstalled(venv, item, folder), mayVanish: true });
    else skipped.push(skip(item, `${changed} was changed, and the store does not have what it was`));
  }
  const { progress, signal } = workspace;
  if (plans.size > 0) {
    progress.start('Packing', 0);
    await writeWheels(python, [...plans.values()], { folder, ...(signal ? { signal } : {}) });
    progress.start('Adding to the store', plans.size);
  }
  let imagesAdded = 0;
  for (const [item, plan] of plans) {
    const put = await putPacked(workspace, plan).catch(refused);
    if (typeof put === 'string') skipped.push(skip(item, put));
    else {
      placed.push({ installed: item, image: put.image, forms: await findForms(venv, item) });
      if (put.added) imagesAdded += 1;
    }
  }
  return { placed, skipped, imagesAdded };
}

function skip({ metadata }: Installed, reason: string): Skipped {
  return { distribution: `${metadata.name} ${metadata.version}`, reason };
}

async function putPacked({ store, progress, signal }: Workspace, { output }: WheelPlan) {
  if (!(await unless('ENOENT', stat(output)))) return 'a file of it went away just now, or cannot be read';
  const put = await putWheel(store, output, { builtFrom: importedMark, ...(signal ? { signal } : {}) });
  await rm(output);
  progress.advance(1, put.image.meta.name);
  return put;
}

/** What an installer took and the rules for wheels forbid. */
function refused(error: unknown): string {
  if (error instanceof ShenvError && error.code.startsWith('WHEEL_')) return error.message;
  throw error;
}
