import type { Manifest } from '../../manifest/types.js';
import { ImageCache } from '../../store/image-cache.js';
import type { View } from '../../view/tree.js';
import { loadView } from '../load-view.js';
import type { Workspace } from '../workspace.js';
import { applyTimes, type Times } from './times.js';

/**
 * What lies under the upper layer of an environment that is not frozen. Who composes several generations gives `images`,
 * so that what they share is read once. Throws as `loadView`.
 */
export async function loadLower(
  { store, environments }: Workspace,
  manifest: Manifest,
  times: Times,
  images = new ImageCache(store),
): Promise<View> {
  const view = await loadView(manifest, images, environments.interpreters, 'writable');
  return applyTimes(view, times);
}
