import { randomBytes } from 'node:crypto';
import { type FileHandle, link, mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { naming, systemErrorCode } from './errors.js';

/** Makes the names in `folder` durable (fsync(2) of a directory). */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    throw naming(folder, error);
  } finally {
    await handle.close();
  }
}

/** A name for a temporary file that no other process takes; it tells its owner's process id. */
export function stagingName(): string {
  return `${process.pid}-${randomBytes(8).toString('hex')}.tmp`;
}

/**
 * Writes a file under `stagingFolder` through `write`, makes it durable and gives its path.
 * The caller publishes or unlinks it; when `write` throws, it is gone.
 */
export async function stageFile(
  stagingFolder: string,
  write: (file: FileHandle) => Promise<void>,
  mode = 0o644,
): Promise<string> {
  await mkdir(stagingFolder, { recursive: true, mode: 0o755 });
  const path = join(stagingFolder, stagingName());
  const file = await open(path, 'wx', mode);
  try {
    await write(file);
    await file.sync();
    await file.close();
  } catch (error) {
    await file.close().catch(() => undefined);
    await unlink(path).catch(() => undefined);
    throw naming(path, error);
  }
  return path;
}

/**
 * Gives a staged file its final name unless something has it already; `false` when it was taken.
 * link(2) is exclusive on NFS too. The staged name is gone in either case.
 */
export async function publishExclusively(staged: string, target: string): Promise<boolean> {
  try {
    return await linkExclusively(staged, target);
  } finally {
    await unlink(staged);
  }
}

async function linkExclusively(staged: string, target: string): Promise<boolean> {
  try {
    await link(staged, target);
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    throw error;
  }
  await syncFolder(dirname(target));
  return true;
}

/** Replaces `target` in one step with `data`, staged beside it; durable when it returns. */
export async function replaceFile(target: string, data: Uint8Array, mode = 0o644): Promise<void> {
  const staged = await stageFile(dirname(target), (file) => file.writeFile(data), mode);
  try {
    await rename(staged, target);
  } catch (error) {
    await unlink(staged).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(target));
}
