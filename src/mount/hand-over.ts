import { stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { ShenvError } from '../base/errors.js';
import type { Engine } from './engine.js';
import type { Supervision } from './supervision.js';

/** Tells the supervisor which program serves next, with this process's arguments. Throws NOT_SUPERVISED, TARGET_UNUSABLE. */
export async function nameSuccessor(
  { supervision, mountpoint }: { supervision: Supervision | undefined; mountpoint: string },
  engine: Engine,
  command: readonly string[],
): Promise<void> {
  if (!supervision?.isWatched || !engine.handOver) {
    throw new ShenvError('NOT_SUPERVISED', `Nobody would start another server of ${mountpoint}`, {
      hint: `Unmount it and mount it again: \`shenv-fs unmount ${mountpoint}\`.`,
    });
  }
  await checkSuccessor(command);
  supervision.next([...command, ...process.argv.slice(2)]);
}

/** Absolute paths of files that belong to root or to this user and that not everybody may write. */
async function checkSuccessor(command: readonly string[]): Promise<void> {
  if (command.length === 0) throw unusable('nothing', 'is no program');
  for (const path of command) {
    if (!isAbsolute(path)) throw unusable(path, 'is no absolute path');
    const status = await stat(path).catch(() => undefined);
    if (!status?.isFile()) throw unusable(path, 'is no file');
    const isOurs = status.uid === 0 || status.uid === process.getuid?.();
    if (!isOurs || (status.mode & 0o002) !== 0)
      throw unusable(path, 'belongs to another user or may be written by all');
  }
}

function unusable(path: string, rule: string): ShenvError {
  return new ShenvError('TARGET_UNUSABLE', `${path} cannot serve a mount: it ${rule}`, {
    hint: 'Run the program that is to serve as root or as the user of the mount, from where only they may write.',
    path,
  });
}
