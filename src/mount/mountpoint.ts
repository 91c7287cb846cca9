import { mkdir, readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ShenvError, systemErrorCode } from '../base/errors.js';
import { run } from '../base/run.js';

/** A line of /proc/self/mountinfo (proc(5)), as far as it is used. */
export interface MountEntry {
  mountpoint: string;
  fsType: string;
  source: string;
  /** Of the file system, separated by commas. */
  superOptions: string;
}

const statTimeoutMs = 10_000;
const unmountTimeoutMs = 20_000;

export async function listMounts(): Promise<MountEntry[]> {
  const text = await readFile('/proc/self/mountinfo', 'latin1');
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [before = '', after = ''] = line.split(' - ');
      const [fsType = '', source = '', superOptions = ''] = after.split(' ');
      return { mountpoint: unescapeOctal(before.split(' ')[4] ?? ''), fsType, source, superOptions };
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
  const finished = await run('stat', ['-f', '-c', '%t', '--', path], { timeoutMs: statTimeoutMs });
  if (finished.status === 0) return 'answers';
  return finished.status === null ? 'hangs' : 'dead';
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

/** Unmounts from outside, as root with umount(8), else with fusermount3 or fusermount. Throws MOUNT_BUSY. */
export async function unmountPath(path: string, lazy: boolean): Promise<void> {
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
      const finished = await run(program, args, { timeoutMs: unmountTimeoutMs });
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
