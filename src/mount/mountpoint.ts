import { mkdir, readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { basename, delimiter, dirname, join, resolve } from 'node:path';
import { ShenvError, systemErrorCode } from '../base/errors.js';
import { type Finished, run } from '../base/run.js';

/** A line of /proc/self/mountinfo (proc(5)), as far as it is used. */
export interface MountEntry {
  mountpoint: string;
  fsType: string;
  source: string;
  /** The user whose daemon serves it; undefined for other file systems than FUSE. */
  uid: number | undefined;
  /** Whether other users may enter it. */
  isShared: boolean;
}

const statTimeoutMs = 10_000;
const unmountTimeoutMs = 20_000;
/** Of execvp(3), where PATH says nothing. */
const usualPath = '/bin:/usr/bin';

export async function listMounts(): Promise<MountEntry[]> {
  const text = await readFile('/proc/self/mountinfo', 'latin1');
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [before = '', after = ''] = line.split(' - ');
      const [fsType = '', source = '', options = ''] = after.split(' ');
      const uid = /(?:^|,)user_id=(\d+)/.exec(options)?.[1];
      return {
        mountpoint: unescapeOctal(before.split(' ')[4] ?? ''),
        fsType,
        source,
        uid: uid === undefined ? undefined : Number(uid),
        isShared: options.split(',').includes('allow_other'),
      };
    });
}

/** A path as bytes, one character each, with the octal escapes of proc(5). */
function unescapeOctal(text: string): string {
  const bytes = text.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** What is mounted at `path`, the topmost if there are several. */
export async function mountAt(path: string): Promise<MountEntry | undefined> {
  return (await listMounts()).findLast((mount) => mount.mountpoint === path);
}

export async function isMounted(path: string): Promise<boolean> {
  return isOurs(await mountAt(path));
}

/** Mounts of this program that daemons of other users serve. */
export async function listForeignMounts(): Promise<MountEntry[]> {
  return (await listMounts()).filter((mount) => isOurs(mount) && mount.uid !== process.getuid?.());
}

/** Whether a daemon of this program made it, whoever's. */
export function isOurs(mount: MountEntry | undefined): boolean {
  return mount?.fsType.startsWith('fuse') === true && mount.source === 'shenv-fs';
}

/**
 * The absolute path of a mountpoint, without following what may be mounted there: only its parent is
 * resolved, so a dead mount cannot make this fail or hang.
 */
export async function canonicalMountpoint(path: string): Promise<string> {
  const absolute = resolve(path);
  const parent = await realpath(dirname(absolute)).catch(() => dirname(absolute));
  return join(parent, basename(absolute));
}

/**
 * statfs(2) from another process, with a deadline: 'answers', 'dead' (no daemon behind it), or 'hangs'. Of all that
 * can be asked this is what the kernel never answers from a cache, which outlives a daemon.
 */
export async function probeMount(path: string): Promise<'answers' | 'dead' | 'hangs'> {
  const finished = await runBeside('stat', ['-f', '-c', '%t', '--', path], statTimeoutMs);
  if (finished.status === 0) return 'answers';
  return finished.status === null ? 'hangs' : 'dead';
}

/** PATH without what lies in `mounts`: a search there fails, or hangs, where nobody serves it. */
export function pathBeside(mounts: readonly string[]): string {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const isInside = (folder: string) => mounts.some((mount) => `${resolve(folder)}/`.startsWith(`${mount}/`));
  return folders.filter((folder) => !isInside(folder)).join(delimiter) || usualPath;
}

/** Runs a program of the system, which is looked for in no mount of this program. */
async function runBeside(program: string, args: readonly string[], timeoutMs: number): Promise<Finished> {
  const mounts = (await listMounts()).filter(isOurs).map(({ mountpoint }) => mountpoint);
  return run(program, args, { timeoutMs, env: { ...process.env, PATH: pathBeside(mounts) } });
}

/**
 * Makes `path` ready to be mounted on: an empty folder of this user's, made if need be; a dead mount
 * of ours is taken away first. Throws MOUNTPOINT_UNUSABLE.
 */
export async function prepareMountpoint(path: string): Promise<void> {
  if (await isMounted(path)) {
    if ((await probeMount(path)) !== 'dead')
      throw unusable(path, 'is mounted already', 'Use it, or unmount it first.');
    await unmountPath(path, true);
  }
  try {
    await mkdir(path, { recursive: true });
    await readdir(path);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'EEXIST' || code === 'ENOTDIR')
      throw unusable(path, 'is not a folder', 'Choose another mount point.');
    if (code === 'EACCES' || code === 'EPERM')
      throw unusable(path, 'may not be written by you', 'Choose a folder of your own.');
    throw error;
  }
  if ((await readdir(path)).length > 0) {
    throw unusable(
      path,
      'is not empty',
      'Choose another mount point; mounting here would hide what it holds.',
    );
  }
}

function unusable(path: string, rule: string, hint: string): ShenvError {
  return new ShenvError('MOUNTPOINT_UNUSABLE', `${path} ${rule}`, { hint, path });
}

/** Throws MOUNT_FOREIGN when a daemon of another user serves what is mounted at `path`, unless this is root. */
export async function assertOwnMount(path: string): Promise<void> {
  const mount = await mountAt(path);
  const own = process.getuid?.();
  if (!mount || !isOurs(mount) || own === 0 || mount.uid === own) return;
  throw new ShenvError('MOUNT_FOREIGN', `The mount at ${path} is served by a daemon of user ${mount.uid}`, {
    hint: 'Ask this user or an administrator; a mount of your own can be had with `shenv-fs mount` at another place.',
    path,
  });
}

/** Unmounts from outside, as root with umount(8), else with fusermount3 or fusermount. Throws MOUNT_BUSY, MOUNT_FOREIGN. */
export async function unmountPath(path: string, lazy: boolean): Promise<void> {
  await assertOwnMount(path);
  const flags = lazy ? ['-l'] : [];
  const attempts: [string, string[]][] =
    process.getuid?.() === 0
      ? [['umount', [...flags, '--', path]]]
      : ['fusermount3', 'fusermount'].map((program) => [
          program,
          ['-u', ...(lazy ? ['-z'] : []), '--', path],
        ]);
  let reason = '';
  for (const [program, args] of attempts) {
    try {
      const finished = await runBeside(program, args, unmountTimeoutMs);
      if (finished.status === 0) return;
      reason = finished.stderr.trim();
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error;
      reason = reason || `${program} is not installed`;
      continue;
    }
    break;
  }
  if (!(await mountAt(path))) return;
  const users = await usersOf(path);
  throw new ShenvError('MOUNT_BUSY', `${path} cannot be unmounted: ${reason}`, {
    hint:
      users.length > 0
        ? `In use by ${users.join(', ')}; end them, or use --lazy.`
        : 'Try again, or use --lazy.',
    path,
  });
}

/** Processes with a working folder, a root, an open file or a mapping below `path`, as `name (pid)`. */
export async function usersOf(path: string): Promise<string[]> {
  const users: string[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    if (await uses(pid, path)) {
      const name = (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '?')).trim();
      users.push(`${name} (${pid})`);
    }
  }
  return users;
}

async function uses(pid: string, path: string): Promise<boolean> {
  const inside = (target: string) => target === path || target.startsWith(`${path}/`);
  const links = [`/proc/${pid}/cwd`, `/proc/${pid}/root`];
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
  for (const link of [...links, ...descriptors.map((fd) => `/proc/${pid}/fd/${fd}`)]) {
    if (inside(await readlink(link).catch(() => ''))) return true;
  }
  const maps = await readFile(`/proc/${pid}/maps`, 'utf8').catch(() => '');
  return maps.includes(` ${path}/`);
}
