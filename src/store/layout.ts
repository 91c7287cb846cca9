import { join } from 'node:path';
import type { Digest } from '../base/brands.js';
import { normalizeName, parseWheelFilename } from '../wheel/filename.js';

/** Layout version of the store; a reader of another version never meets these folders. */
const storeVersion = 1;

/** The folders of a store at `root`. */
export interface StoreLayout {
  root: string;
  /** `<normalized name>/<version>/<tags>-<digest prefix>.img` */
  images: string;
  /** Claims of serials: base/claims.ts. */
  serials: string;
  /** Half-written images, on the same file system as `images`. */
  staging: string;
  /** Where the homes are whose environments show images of this store: store/homes.ts. */
  homes: string;
  /** What generations refer to: store/roots.ts. */
  roots: string;
  /** Running operations and mounts: store/leases.ts. */
  leases: string;
  /** Images that are being collected: store/gc/. */
  condemned: string;
  /** Images that were set aside because they are damaged. */
  damaged: string;
  /** A file whose content changes when files of images are replaced: store/renewals.ts. */
  renewed: string;
}

export function storeLayout(root: string): StoreLayout {
  const versioned = join(root, `v${storeVersion}`);
  return {
    root,
    images: join(versioned, 'images'),
    serials: join(versioned, 'serials'),
    staging: join(versioned, 'tmp'),
    homes: join(versioned, 'homes'),
    roots: join(versioned, 'roots'),
    leases: join(versioned, 'leases'),
    condemned: join(versioned, 'condemned'),
    damaged: join(versioned, 'damaged'),
    renewed: join(versioned, 'renewed'),
  };
}

/** The folders in which everybody writes who uses a shared store; in those below them only their owners do. */
export function sharedFolders(layout: StoreLayout): string[] {
  const { images, serials, staging, homes, roots, leases, condemned, damaged } = layout;
  return [images, serials, staging, homes, roots, leases, condemned, damaged];
}

export const imageSuffix = '.img';
/** 64 bits of the wheel's digest in the name tell builds apart; the header holds all of it. */
const digestPrefixDigits = 16;
const maxTagsLength = 180;

/** Name of a wheel's image below `images`. */
export function imagePlace(wheelFilename: string, digest: Digest): { folder: string; file: string } {
  const { distribution, version, build, pythonTags, abiTags, platformTags } =
    parseWheelFilename(wheelFilename);
  const tags = [build, pythonTags.join('.'), abiTags.join('.'), platformTags.join('.')]
    .filter(Boolean)
    .join('-');
  return {
    folder: join(normalizeName(distribution), version.replaceAll('_', '-')),
    file: `${tags.slice(0, maxTagsLength)}-${digestPrefix(digest)}${imageSuffix}`,
  };
}

/** Separates a distribution's name from the id of the user whose images of it are in the folder. */
const apartMark = '~';

/** The folder below `images` for the images of one user who shares a store: nobody else writes in it. */
export function folderApart(folder: string, uid: number): string {
  return `${folder}${apartMark}${uid}`;
}

/** The distribution whose images are in the folder `folder` of `images`. */
export function distributionOf(folder: string): string {
  return folder.split(apartMark, 1)[0]!;
}

/** Another name for the image `file`, whose name somebody else has taken; it ends in the same way. */
export function otherName(file: string, distinction: string): string {
  return file.replace(/-[0-9a-f]{16}(\.[^/]+)?\.img$/, (ending) => `-${distinction}${ending}`);
}

/** The name that an image would have had if nobody had taken it. */
export function withoutDistinction(file: string): string {
  return file.replace(/-u\d+(?:x[0-9a-f]{6})?(?=-[0-9a-f]{16}(\.[^/]+)?\.img$)/, '');
}

/** The part of an image's file name that tells its wheel's digest. */
export function digestPrefix(digest: Digest): string {
  return digest.slice(0, digestPrefixDigits);
}

/** The file name of the image with bytecode for `cacheTag` beside the wheel's image `file`. */
export function bytecodeName(file: string, cacheTag: string): string {
  return `${file.slice(0, -imageSuffix.length)}.${cacheTag}${imageSuffix}`;
}

/**
 * What tells an image among those of a store: the digest prefix of its wheel, and for one of bytecode the cache tag
 * after a dot. Different wheels share it with a probability of 2^-64; gc then keeps one image more.
 */
export type ImageName = string & { readonly [imageNameBrand]: true };
declare const imageNameBrand: unique symbol;

export function imageNameOf(digest: Digest, cacheTag?: string): ImageName {
  const prefix = digestPrefix(digest);
  return (cacheTag === undefined ? prefix : `${prefix}.${cacheTag}`) as ImageName;
}

/** The name of the image in the file `file`; undefined for what is no image. */
export function imageNameOfFile(file: string): ImageName | undefined {
  return /-([0-9a-f]{16}(?:\.[^/]+)?)\.img$/.exec(file)?.[1] as ImageName | undefined;
}

/** The wheel's image that the image `name` belongs to: itself, or the base of one of bytecode. */
export function baseNameOf(name: ImageName): ImageName {
  return name.slice(0, digestPrefixDigits) as ImageName;
}
