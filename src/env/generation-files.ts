import { chmod, lstat, open } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '../base/atomic-write.js';
import { naming, ShenvError, unless } from '../base/errors.js';
import { readRegular } from '../base/trust.js';
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

/** Generations of one environment by the names of their files in `folder`, and the numbers of those that cannot be read. */
export async function readGenerations(
  folder: string,
  files: readonly string[],
): Promise<{ manifests: Manifest[]; damaged: number[] }> {
  const manifests: Manifest[] = [];
  const damaged: number[] = [];
  for (const file of files) {
    const path = join(folder, file);
    // Of another user's home too, for a gc, which must not wait for a FIFO.
    const data = await unless('ENOENT', readRegular(path));
    if (!data && !(await unless('ENOENT', lstat(path)))) continue;
    const manifest = data && decodeOrNothing(data, path);
    if (manifest) manifests.push(manifest);
    else damaged.push(Number(manifestPattern.exec(file)![1]));
  }
  return { manifests, damaged };
}

/** Writes generations of a new environment into `folder`; durable when it resolves. */
export async function stageAll(folder: string, generations: readonly Manifest[]): Promise<void> {
  for (const manifest of generations) await stageManifest(folder, manifest);
  await chmod(folder, 0o755);
  await syncFolder(folder);
}

/** Waits for all to end, then throws what the first of them failed with. */
export async function allOf(...work: Promise<void>[]): Promise<void> {
  await Promise.allSettled(work);
  await Promise.all(work);
}

/** Writes one generation into the folder of an environment that is being staged; its content is durable. */
export async function stageManifest(folder: string, manifest: Manifest): Promise<void> {
  const path = join(folder, manifestName(manifest.generation));
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
