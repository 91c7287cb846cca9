import { chmod, open } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '../base/atomic-write.js';
import { naming, ShenvError } from '../base/errors.js';
import { decodeManifest, encodeManifest } from '../manifest/codec.js';
import type { Manifest } from '../manifest/types.js';

/** Names of files of generations, the number in group 1. */
export const manifestPattern = /^(\d{8})\.manifest$/;

export function manifestName(generation: number): string {
  return `${String(generation).padStart(8, '0')}.manifest`;
}

/** Undefined for a manifest that is damaged, or of another version. */
export function decodeOrNothing(data: Buffer, path: string): Manifest | undefined {
  try {
    return decodeManifest(data, path);
  } catch (error) {
    if (!(error instanceof ShenvError)) throw error;
    return undefined;
  }
}

/** Writes generations of a new environment into `folder`; durable when it resolves. */
export async function stageAll(folder: string, generations: readonly Manifest[]): Promise<void> {
  for (const manifest of generations)
    await writeDurably(join(folder, manifestName(manifest.generation)), manifest);
  await chmod(folder, 0o755);
  await syncFolder(folder);
}

/** Waits for all to end, then throws what the first of them failed with. */
export async function allOf(...work: Promise<void>[]): Promise<void> {
  await Promise.allSettled(work);
  await Promise.all(work);
}

async function writeDurably(path: string, manifest: Manifest): Promise<void> {
  const file = await open(path, 'wx', 0o644);
  try {
    await file.writeFile(encodeManifest(manifest));
    await file.sync();
  } catch (error) {
    throw naming(path, error);
  } finally {
    await file.close();
  }
}
