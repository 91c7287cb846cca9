import { randomBytes } from 'node:crypto';
import { isRefusal, unless } from '../base/errors.js';
import { readRegular } from '../base/trust.js';
import type { StoreLayout } from './layout.js';
import { replaceInStore } from './modes.js';

/**
 * Notes that files of images were replaced by others under their names (`store repair`, `store renumber`): who knows
 * images by what they were, on whichever host, looks at them again.
 */
export async function noteRenewal(layout: StoreLayout): Promise<void> {
  try {
    await replaceInStore(layout, layout.renewed, Buffer.from(`${randomBytes(8).toString('hex')}\n`));
  } catch (error) {
    // Of who only looks after his own images in a shared store; the files themselves tell.
    if (!isRefusal(error)) throw error;
  }
}

/** What tells one state of the store's images from another; empty where none was ever replaced. */
export async function readRenewals({ renewed }: StoreLayout): Promise<string> {
  return ((await unless('ENOENT', readRegular(renewed)))?.toString() ?? '').trim();
}
