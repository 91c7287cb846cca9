import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mountAt } from '../../src/mount/mountpoint.js';
import { eventually } from '../../test/support/eventually.js';
import type { Bench } from './bench.js';
import { ask } from './commands.js';

/** The opcodes of linux/fuse.h that reach the server of a network file system, as bench/clients/delayfs.c delays them. */
const delayedOpcodes = { LOOKUP: 1, GETATTR: 3, READLINK: 5, OPEN: 14, READ: 15, READDIR: 28 } as const;

/** What bench/clients/delayfs.c reads at most in one request. */
const mostReadBytes = 1 << 20;

/** The counter after those of the opcodes. */
const readBytesSlot = 63;

/** A folder seen through a file system that answers late. */
export interface DelayedFolder {
  mountpoint: string;
  /** How many delayed requests there were since the mount. */
  operations(): Promise<number>;
  /** How many bytes were read from it. */
  bytesRead(): Promise<number>;
  unmount(): Promise<void>;
}

/** Mounts bench/clients/delayfs.c, built at `program`, over a new folder; `delayUs` in microseconds. Needs root. */
export async function mountDelayed(
  bench: Bench,
  program: string,
  folder: string,
  { name, delayUs }: { name: string; delayUs: number },
): Promise<DelayedFolder> {
  const mountpoint = await bench.newFolder('delayed', name);
  const counters = join(bench.folder, 'delayed', `${name}.counters`);
  const child = spawn(program, [folder, mountpoint, String(delayUs), counters], { stdio: 'inherit' });
  const ended = once(child, 'close').catch(() => undefined);
  const unmount = async () => {
    if (await mountAt(mountpoint)) await ask('umount', [mountpoint]);
    if (await mountAt(mountpoint)) await ask('umount', ['-l', mountpoint]);
    const deadline = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(deadline);
  };
  bench.defer(`the delayed folder ${name}`, unmount);
  await eventually(async () => {
    if (child.exitCode !== null) throw new Error(`delayfs ended with ${child.exitCode}`);
    return (await mountAt(mountpoint)) !== undefined;
  }, 'the delaying file system is mounted');
  await readAhead(mountpoint);
  const operations = async () => {
    const counts = await readFile(counters);
    const all = Object.values(delayedOpcodes).map((opcode) => Number(counts.readBigUInt64LE(opcode * 8)));
    return all.reduce((sum, count) => sum + count, 0);
  };
  const bytesRead = async () => Number((await readFile(counters)).readBigUInt64LE(readBytesSlot * 8));
  return { mountpoint, operations, bytesRead, unmount };
}

/** As an NFS client reads: what a process wants at once in one request, up to what the server grants. */
async function readAhead(mountpoint: string): Promise<void> {
  const device = (await stat(mountpoint)).dev;
  await writeFile(
    `/sys/class/bdi/${device >> 8}:${device & 0xff}/read_ahead_kb`,
    String(mostReadBytes >> 10),
  );
}
