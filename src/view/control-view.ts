import { createHash } from 'node:crypto';
import type { Image } from '../image/read.js';
import { controlSerial, environmentInode, firstGeneratedNode, skeletonSlot } from './inode.js';
import type { View, ViewDirectory, ViewEntry, ViewLayer } from './tree.js';

/** Name of the folder at the root of a mount through which it tells of itself. */
export const controlName = '.shenv';

/**
 * The view of `.shenv`: `status.json`, made anew at each look, and `packages/<name>/<version>/`, each
 * image's site folder, for use from a .pth file. Pure.
 */
export function composeControlView(images: readonly Image[], status: () => string, mtimeNs: bigint): View {
  const directory = (parent: ViewDirectory | undefined, path: string): ViewDirectory => {
    const made: ViewDirectory = {
      kind: 'directory',
      inode: inodeOf(path),
      mtimeNs,
      parent,
      entries: new Map(),
    };
    return made;
  };
  const root = directory(undefined, '');
  root.entries.set('status.json', {
    kind: 'generated',
    inode: inodeOf('status.json'),
    mtimeNs,
    executable: false,
    layer: undefined,
    content: { type: 'volatile', make: status },
  });
  const packages = directory(root, 'packages');
  root.entries.set('packages', packages);
  const layers: ViewLayer[] = [];
  for (const image of images) {
    const site = image.lookup(0, 'site');
    if (site === undefined) continue;
    const folder = childDirectory(packages, image.meta.name, (path) => directory(packages, path));
    folder.entries.set(versionName(folder, image), { kind: 'graft', layer: layers.length, node: site });
    layers.push({ image, slot: 0, requested: false, installer: '', directUrl: undefined });
  }
  return {
    environmentSerial: controlSerial,
    numberedByImage: true,
    isOwn: false,
    root,
    layers,
    expanded: new Map(),
    clashes: [],
    namesTouched: layers.length,
    interpreter: undefined,
    systemSitePackages: false,
    sitePackages: '',
  };
}

function childDirectory(
  packages: ViewDirectory,
  name: string,
  make: (path: string) => ViewDirectory,
): ViewDirectory {
  const existing: ViewEntry | undefined = packages.entries.get(name);
  if (existing?.kind === 'directory') return existing;
  const made = make(`packages/${name}`);
  packages.entries.set(name, made);
  return made;
}

/** Builds of one version (another platform, say) after the first carry the start of their digest. */
function versionName(folder: ViewDirectory, image: Image): string {
  const { version } = image.meta;
  return folder.entries.has(version) ? `${version}-${image.wheelDigest.slice(0, 12)}` : version;
}

function inodeOf(path: string): ViewDirectory['inode'] {
  const hash = createHash('sha256').update(path).digest().readUInt32LE(0);
  return environmentInode(
    controlSerial,
    skeletonSlot,
    path === '' ? 0 : (hash % (firstGeneratedNode - 1)) + 1,
  );
}
