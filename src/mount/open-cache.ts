import { ShenvError } from '../base/errors.js';
import { ContentCache, type ContentCacheOptions } from './content-cache.js';
import type { Engine } from './engine.js';
import { KernelEngine } from './kernel-engine.js';

/** Has `engine`, which is mounted, read from copies. Throws ENGINE_UNAVAILABLE where it cannot, STORE_UNUSABLE. */
export async function openCache(options: ContentCacheOptions, engine: Engine): Promise<ContentCache> {
  if (!(engine instanceof KernelEngine)) {
    throw new ShenvError('ENGINE_UNAVAILABLE', `The engine ${engine.name} cannot read from a cache`, {
      hint: 'Leave out --cache, or use the kernel engine.',
    });
  }
  const cache = await ContentCache.open(options, engine);
  engine.useCache(cache);
  return cache;
}
