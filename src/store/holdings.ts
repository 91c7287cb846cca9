import { lstat, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isRefusal, ShenvError, systemErrorCode, unless } from '../base/errors.js';
import { everybody } from '../base/trust.js';
import { nodeFlags } from '../image/format.js';
import { Image } from '../image/read.js';
import { distributionOf, type ImageName, imageNameOfFile, type StoreLayout } from './layout.js';

/** An image file of the store, of a wheel or of bytecode, with its sizes. */
export interface Holding {
  image: ImageName;
  /** Normalized name of the distribution. */
  name: string;
  version: string;
  /** Of an image of bytecode. */
  cacheTag: string | undefined;
  path: string;
  /** What the file occupies: st_blocks. */
  bytesOnDisk: number;
  /** Sum of the sizes of the files that it brings, without those of its base; undefined where it is damaged. */
  contentBytes: number | undefined;
}

/** Bytes on disk (st_blocks) of the parts of a store; `total` is what du(1) says of its folder. */
export interface DiskUsage {
  total: number;
  roots: number;
  condemned: number;
  damaged: number;
}

/**
 * All images, of wheels and of bytecode, whoever's they are, by name, version and file; none where there is no store.
 */
export async function listHoldings({ images }: StoreLayout): Promise<Holding[]> {
  const holdings: Holding[] = [];
  for (const folder of await foldersOf(images)) {
    for (const version of await foldersOf(join(images, folder))) {
      const files = await readdir(join(images, folder, version)).catch(goneOrRefused);
      for (const file of files.sort()) {
        const image = imageNameOfFile(file);
        if (image === undefined) continue;
        const place = { name: distributionOf(folder), version, path: join(images, folder, version, file) };
        const holding = await measure(image, place);
        if (holding) holdings.push(holding);
      }
    }
  }
  return holdings;
}

/** The names of all images of a store; nothing of them is read. */
export async function listImageNames({ images }: StoreLayout): Promise<Set<ImageName>> {
  const names = new Set<ImageName>();
  for (const folder of await foldersOf(images)) {
    for (const version of await foldersOf(join(images, folder))) {
      for (const file of await readdir(join(images, folder, version)).catch(goneOrRefused)) {
        const image = imageNameOfFile(file);
        if (image !== undefined) names.add(image);
      }
    }
  }
  return names;
}

/** Names of the folders that this user may list, links aside, sorted so that those of one distribution are neighbours. */
async function foldersOf(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(goneOrRefused);
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const key = (folder: string) => `${distributionOf(folder)}\0${folder}`;
  return folders.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** Undefined where it was collected meanwhile, or is no file. */
async function measure(
  image: ImageName,
  place: Pick<Holding, 'name' | 'version' | 'path'>,
): Promise<Holding | undefined> {
  const status = await unless('ENOENT', lstat(place.path));
  if (!status?.isFile()) return undefined;
  const [, cacheTag] = /\.(.+)$/.exec(image) ?? [];
  const contentBytes = measureContents(place.path, cacheTag !== undefined);
  return { ...place, image, cacheTag, bytesOnDisk: status.blocks * blockBytes, contentBytes };
}

/** Unit of st_blocks, whatever the file system's own is. */
export const blockBytes = 512;

function measureContents(path: string, isBytecode: boolean): number | undefined {
  try {
    const image = Image.outline(path, everybody);
    return isBytecode ? ownContentBytes(image) : image.meta.contentBytes;
  } catch (error) {
    if (error instanceof ShenvError || systemErrorCode(error) !== undefined) return undefined;
    throw error;
  }
}

/** The meta section of an image of bytecode is that of its wheel's, so its own files are counted here. */
function ownContentBytes(image: Image): number {
  let sum = 0;
  for (let node = 0; node < image.nodeCount; node += 1) {
    if (image.isDirectory(node)) continue;
    const { sizeBytes, flags } = image.fileOf(node);
    if ((flags & nodeFlags.inBase) === 0) sum += sizeBytes;
  }
  return sum;
}

export async function measureDisk(layout: StoreLayout): Promise<DiskUsage> {
  const [total, roots, condemned, damaged] = await Promise.all(
    [dirname(layout.images), layout.roots, layout.condemned, layout.damaged].map(bytesOnDisk),
  );
  return { total: total!, roots: roots!, condemned: condemned!, damaged: damaged! };
}

/**
 * What a folder and all below it occupy, a file with several names once; 0 where it is not there. What this user may
 * not list does not count.
 */
export async function bytesOnDisk(folder: string): Promise<number> {
  const inodes = new Map<number, number>();
  const visit = async (path: string, isFolder: boolean): Promise<void> => {
    const status = await unless('ENOENT', lstat(path));
    if (!status) return;
    inodes.set(status.ino, status.blocks * blockBytes);
    if (!isFolder) return;
    const entries = await readdir(path, { withFileTypes: true }).catch(goneOrRefused);
    for (const entry of entries) await visit(join(path, entry.name), entry.isDirectory());
  };
  await visit(folder, true);
  return [...inodes.values()].reduce((sum, bytes) => sum + bytes, 0);
}

function goneOrRefused(error: unknown): never[] {
  if (systemErrorCode(error) === 'ENOENT' || isRefusal(error)) return [];
  throw error;
}
