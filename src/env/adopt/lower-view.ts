import { type Manifest, noInterpreter } from '../../manifest/types.js';
import { ImageCache } from '../../store/image-cache.js';
import { environmentInode, skeletonSlot } from '../../view/inode.js';
import type { View } from '../../view/tree.js';
import { loadWritableView } from '../load-view.js';
import type { Workspace } from '../workspace.js';
import { applyTimes, type Times } from './times.js';

/** What lies under the upper layer of an environment: the tree of its manifest, empty for a bare one. */
export async function loadLower(
  { store, environments }: Workspace,
  manifest: Manifest,
  times: Times,
): Promise<View> {
  if (manifest.interpreter === noInterpreter) return emptyView(manifest);
  const view = await loadWritableView(manifest, new ImageCache(store), environments.interpreters);
  return applyTimes(view, times);
}

function emptyView({ serial, createdMs }: Manifest): View {
  return {
    environmentSerial: serial,
    numberedByImage: false,
    isOwn: true,
    root: {
      kind: 'directory',
      inode: environmentInode(serial, skeletonSlot, 0),
      mtimeNs: BigInt(createdMs) * 1_000_000n,
      parent: undefined,
      entries: new Map(),
    },
    layers: [],
    expanded: new Map(),
    clashes: [],
    namesTouched: 0,
    interpreter: undefined,
    systemSitePackages: false,
    sitePackages: '',
  };
}
