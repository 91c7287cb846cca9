import { readFile, writeFile } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import { listInterpreters } from '../../src/python/discover.js';
import { projectRoot } from '../../test/support/sandbox.js';
import type { Machine } from '../report/result.js';
import { ask, must } from './commands.js';

export const isRoot = process.getuid?.() === 0;

/** What a result has to say of where it was measured; `folder` is where everything is placed. */
export async function describeMachine(folder: string): Promise<Machine> {
  const pythons = [...(await listInterpreters())].reverse();
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    pythons: Object.fromEntries(pythons.map(({ minor, version }) => [minor, version])),
    disk: (await must('df', ['--output=fstype', folder])).trim().split('\n').at(-1)!,
    isRoot,
  };
}

export async function describeCheckout(): Promise<{ commit: string; isDirty: boolean }> {
  const git = (...args: string[]) => must('git', ['-C', projectRoot, ...args]);
  const commit = (await git('rev-parse', '--short', 'HEAD')).trim();
  return { commit, isDirty: (await git('status', '--porcelain', '--untracked-files=no')).trim() !== '' };
}

export async function loadAverage(): Promise<string> {
  return (await readFile('/proc/loadavg', 'utf8')).trim();
}

/** Writes dirty pages out and drops the page, dentry and inode caches (proc(5), drop_caches); needs root. */
export async function dropCaches(): Promise<void> {
  await must('sync', []);
  await writeFile('/proc/sys/vm/drop_caches', '3');
}

/** Whether the kernel can mount a kind of file system, or has a module for it. */
export async function knowsFileSystem(kind: string): Promise<boolean> {
  await ask('modprobe', ['-q', kind]);
  return new RegExp(`\\b${kind}$`, 'm').test(await readFile('/proc/filesystems', 'utf8'));
}
