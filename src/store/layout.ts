import { join } from 'node:path';
import type { Digest } from '../base/brands.js';
import { normalizeName, parseWheelFilename } from '../wheel/filename.js';

/** Layout version of the store; a reader of another version never meets these folders. */
export const storeVersion = 1;

/** The folders of a store at `root`. */
export interface StoreLayout {
  root: string;
  /** `<normalized name>/<version>/<tags>-<digest prefix>.img` */
  images: string;
  /** Claims of serials: base/claims.ts. */
  serials: string;
  /** Half-written images, on the same file system as `images`. */
  staging: string;
}

export function storeLayout(root: string): StoreLayout {
  const versioned = join(root, `v${storeVersion}`);
  return {
    root,
    images: join(versioned, 'images'),
    serials: join(versioned, 'serials'),
    staging: join(versioned, 'tmp'),
  };
}

export const imageSuffix = '.img';
/** 64 bits of the wheel's digest in the name tell builds apart; the header holds all of it. */
const digestPrefixDigits = 16;
const maxTagsLength = 180;

/** Name of a wheel's image below `images`. */
export function imageName(wheelFilename: string, digest: Digest): { folder: string; file: string } {
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

/** The part of an image's file name that tells its wheel's digest. */
export function digestPrefix(digest: Digest): string {
  return digest.slice(0, digestPrefixDigits);
}

/** The file name of the image with bytecode for `cacheTag` beside the wheel's image `file`. */
export function bytecodeName(file: string, cacheTag: string): string {
  return `${file.slice(0, -imageSuffix.length)}.${cacheTag}${imageSuffix}`;
}
