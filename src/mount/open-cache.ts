import { isFull, ShenvError } from '../base/errors.js';
import type { Logger } from '../base/log.js';
import { ContentCache, type ContentCacheOptions } from './content-cache.js';
import type { Engine } from './engine.js';
import { KernelEngine } from './kernel-engine.js';
import { logFailure } from './log-events.js';

interface Circumstances {
  /** Another process has served the mount, and who uses it shall not lose it. */
  isTakenOver: boolean;
  log: Logger;
}

/**
 * Has `engine`, which is mounted, read from copies; undefined, and the log tells it, where the disk is full, or nothing
 * can be copied to where a mount was taken over. Else throws ENGINE_UNAVAILABLE where the engine cannot,
 * STORE_UNUSABLE for a folder that others may write.
 */
export async function openCache(
  options: ContentCacheOptions,
  engine: Engine,
  { isTakenOver, log }: Circumstances,
): Promise<ContentCache | undefined> {
  try {
    return await openFor(options, engine);
  } catch (error) {
    if (isTakenOver || isFull(error)) {
      logFailure(log, 'cache-failed', options.folder, error);
      return undefined;
    }
    throw error;
  }
}

async function openFor(options: ContentCacheOptions, engine: Engine): Promise<ContentCache> {
  if (!(engine instanceof KernelEngine)) {
    throw new ShenvError('ENGINE_UNAVAILABLE', `The engine ${engine.name} cannot read from a cache`, {
      hint: 'Leave out --cache, or use the kernel engine.',
    });
  }
  const cache = await ContentCache.open(options, engine);
  engine.useCache(cache);
  return cache;
}
