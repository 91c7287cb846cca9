import type { Contender } from '../run/contender.js';
import { erofs, squashfs, squashfuse } from './archives.js';
import { hardLinks, symlinks } from './farms.js';
import { fuseOverlay, overlay } from './overlays.js';
import { finder, pth } from './paths.js';
import { fuseNative, kernel } from './shenv.js';
import { venv } from './venv.js';

/** Everything that can hold an environment, in the order in which it is reported. */
export const contenders: readonly Contender[] = [
  ...[venv, kernel, fuseNative, hardLinks, symlinks, pth, finder],
  ...[overlay, fuseOverlay, squashfs, squashfuse, erofs],
];
