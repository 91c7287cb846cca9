import { randomBytes } from 'node:crypto';
import { type FileHandle, link, mkdir, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isRefusal, naming, systemErrorCode, unless } from './errors.js';

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

const stagedPattern = /^\d+-[0-9a-f]{16}\.tmp$/;

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

/** No command takes longer: what was staged before is of a process that was killed. */
export const longestStagingMs = 24 * 3_600_000;

/**
 * Removes staged files in `folder` whose processes were killed. `nowMs` is the clock of its file system. Those of other
 * users stay where the folder is sticky.
 */
export async function removeStaged(folder: string, nowMs: number): Promise<void> {
  for (const name of (await unless('ENOENT', readdir(folder))) ?? []) {
    if (!stagedPattern.test(name)) continue;
    const path = join(folder, name);
    const status = await unless('ENOENT', stat(path));
    if (!status || status.mtimeMs >= nowMs - longestStagingMs) continue;
    await rm(path, { recursive: true, force: true }).catch((error: unknown) => {
      if (!isRefusal(error)) throw error;
    });
  }
}

/** Gives a staged file a second name, durably, unless something has it; `false` when it was taken. */
export async function linkExclusively(staged: string, target: string): Promise<boolean> {
  try {
    await link(staged, target);
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
    // On NFS the answer to a link(2) that was done can be lost, and the call is made again.
    if ((await stat(target)).ino !== (await stat(staged)).ino) return false;
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
