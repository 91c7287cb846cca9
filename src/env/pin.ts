import { fileURLToPath } from 'node:url';
import { type Digest, toDigest } from '../base/brands.js';
import type { ImageReference } from '../manifest/types.js';

/**
 * Where a distribution is to be had, in the words of PEP 610, which pip's installation report uses too.
 */
export interface Download {
  url: string;
  subdirectory?: string;
  archive_info?: { hash?: string; hashes?: Record<string, string> };
  vcs_info?: { vcs: string; commit_id: string; requested_revision?: string };
  dir_info?: { editable?: boolean };
}

/** One distribution that a resolver or a lock chose. */
export interface Pin {
  name: string;
  /** Undefined where a lock leaves it to the source (PEP 751: directories and repositories). */
  version: string | undefined;
  download: Download;
  /** Asked for by URL or path, so that it has a direct_url.json (PEP 610). */
  isDirect: boolean;
  requested: boolean;
  /** Extras of it that were asked for by name. */
  extras: readonly string[];
  /** Names of what it depends on here, where the lock tells; else its metadata do. */
  dependencies?: readonly string[];
}

/** One distribution of an environment, its image in the store. */
export interface Chosen {
  image: ImageReference;
  requested: boolean;
  extras: readonly string[];
  dependencies?: readonly string[];
  directUrl?: Download;
  /** Where its wheel is to be had by others. */
  url?: string;
  /** False when the store had its image already. */
  added: boolean;
}

export function isWheelDownload({ url }: Download): boolean {
  return placeOf(url).endsWith('.whl');
}

/** A URL without query and fragment. Not parsed: a lock has hundreds. */
function placeOf(url: string): string {
  return url.replace(/[?#].*$/s, '');
}

/** The name of the wheel's file. */
export function wheelFilename({ url }: Download): string {
  const place = placeOf(url);
  return decodeURIComponent(place.slice(place.lastIndexOf('/') + 1));
}

/** SHA-256 of the archive, where it is known. */
export function archiveDigest({ archive_info: archive }: Download): Digest | undefined {
  const text = archive?.hashes?.sha256 ?? /^sha256=([0-9a-f]{64})$/.exec(archive?.hash ?? '')?.[1];
  return text === undefined ? undefined : toDigest(text);
}

/** The path of a wheel that is a file of this machine. */
export function localWheel(download: Download): string | undefined {
  const isLocal = download.url.startsWith('file:') && isWheelDownload(download);
  return isLocal ? fileURLToPath(download.url) : undefined;
}

/** A URL without user name and password, for what is written down; `git@` is no secret (PEP 610). */
export function publicUrl(url: string): string {
  if (!url.includes('@')) return url;
  const parsed = new URL(url);
  if (parsed.password === '' && (parsed.username === '' || parsed.username === 'git')) return url;
  parsed.username = '';
  parsed.password = '';
  return parsed.href;
}
