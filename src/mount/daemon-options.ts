import type { Logger } from '../base/log.js';
import type { ContentCacheOptions } from './content-cache.js';
import type { EngineName } from './engine.js';
import type { Supervision } from './supervision.js';

export interface DaemonOptions {
  mountpoint: string;
  /** Mount this environment alone, its root at the mount point; undefined mounts all, as folders. */
  environment: string | undefined;
  engine: EngineName | 'auto';
  /** Nothing is written, not in writable environments either; mounts of fuse-native are so in any case. */
  isReadOnly: boolean;
  allowOther: boolean;
  fullBlocks: boolean;
  threads: number | undefined;
  /** The tie to whoever starts another process when this one dies. */
  supervision: Supervision | undefined;
  /** How often to look for changes made on other hosts; 0 never, undefined where that is needed. */
  pollMs: number | undefined;
  /** Keep copies of images on a disk of this host. */
  cache: ContentCacheOptions | undefined;
  log: Logger;
}
