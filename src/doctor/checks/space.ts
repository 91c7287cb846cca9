import { statfs } from 'node:fs/promises';
import { isNetworkFileSystem } from '../../base/file-system.js';
import type { Findings } from '../finding.js';

const mebibyte = 2 ** 20;

export interface SpaceWants {
  /** What lies there, for people: `the store`. */
  what: string;
  adviceBytes: number;
  problemBytes: number;
}

const fewInodes = 1000;

/** Free bytes and inodes for this user, and whether hosts share the file system. `path` exists. */
export async function checkSpace(path: string, wants: SpaceWants, findings: Findings): Promise<void> {
  const { bavail, bsize, ffree, files } = await statfs(path);
  const freeBytes = bavail * bsize;
  const kind = (await isNetworkFileSystem(path)) ? 'a network file system' : 'a local file system';
  const free = `${formatMebibytes(freeBytes)} free at ${path}, ${kind}`;
  const remedy = 'Make room there, with `shenv-fs store gc` or otherwise, or choose another place.';
  if (freeBytes < wants.problemBytes) findings.problem(`Too little room for ${wants.what}: ${free}`, remedy);
  else if (freeBytes < wants.adviceBytes) findings.advice(`Little room for ${wants.what}: ${free}`, remedy);
  else findings.ok(free);
  // Some file systems have no table of inodes and tell of none.
  if (files > 0 && ffree < fewInodes) findings.problem(`Only ${ffree} inodes are free at ${path}`, remedy);
}

function formatMebibytes(bytes: number): string {
  const size = bytes / mebibyte;
  return size < 10_240 ? `${size.toFixed(0)} MiB` : `${(size / 1024).toFixed(0)} GiB`;
}
