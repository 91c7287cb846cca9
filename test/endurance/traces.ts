import { readdir, readFile, readlink } from 'node:fs/promises';
import { unless } from '../../src/base/errors.js';
import type { Sandbox } from '../support/sandbox.js';
import { isLive } from '../support/supervised.js';

/** What mounts of a sandbox may leave behind on the machine. */
export interface Traces {
  processes: string[];
  mounts: string[];
  sockets: string[];
  /** In the runtime folder, but for logs. */
  runtimeFiles: string[];
  leases: string[];
  /** Of this process. */
  descriptors: string[];
}

export async function findTraces(sandbox: Sandbox): Promise<Traces> {
  const { folder } = sandbox;
  const list = async (path: string) => (await unless('ENOENT', readdir(path))) ?? [];
  const lines = async (path: string) =>
    (await readFile(path, 'utf8')).split('\n').filter((line) => line.includes(folder));
  return {
    processes: await findProcesses(folder),
    mounts: await lines('/proc/self/mountinfo'),
    sockets: await lines('/proc/net/unix'),
    runtimeFiles: (await list(sandbox.path('run'))).filter((name) => !name.endsWith('.log')),
    leases: await list(sandbox.path('home', 'store', 'v1', 'leases')),
    descriptors: await findDescriptors(folder),
  };
}

async function findProcesses(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
    if (command.includes(folder) && (await isLive(Number(pid)))) found.push(command.replaceAll('\0', ' '));
  }
  return found;
}

async function findDescriptors(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const fd of await readdir('/proc/self/fd')) {
    const target = await readlink(`/proc/self/fd/${fd}`).catch(() => '');
    if (target.includes(folder) || target === '/dev/fuse') found.push(target);
  }
  return found;
}

/** One line for each kind of which something is left. */
export function describeTraces(traces: Traces): string[] {
  return Object.entries(traces)
    .filter(([, found]) => found.length > 0)
    .map(([kind, found]) => `${kind}: ${found.join(', ')}`);
}
