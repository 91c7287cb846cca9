import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { sha256 } from '../base/digest.js';
import { parseWheelFilename } from '../wheel/filename.js';
import type { Chosen } from './pin.js';
import type { Workspace } from './workspace.js';

/** The image of the pip whose wheel an interpreter's ensurepip carries; put into the store where it is missing. */
export async function obtainBundledPip({ store, outlines }: Workspace, wheel: string): Promise<Chosen> {
  const { referenceTo } = await import('./obtain.js');
  const { distribution: name, version } = parseWheelFilename(basename(wheel));
  const origin = { requested: true, extras: [] };
  const known = outlines.find({ name, version, wheelDigest: sha256(await readFile(wheel)) });
  if (known) return { ...origin, image: referenceTo(known), added: false };
  const { putWheel } = await import('../store/put.js');
  const { image, added } = await putWheel(store, wheel);
  return { ...origin, image: referenceTo(image), added };
}
