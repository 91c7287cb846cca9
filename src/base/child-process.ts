import { createRequire } from 'node:module';

type ChildProcess = typeof import('node:child_process');

/**
 * `node:child_process` as the bundle has it (package.json): what most commands do not need, commander asks for at once, and it
 * takes 2 ms to load.
 */
const load = (): ChildProcess => createRequire(import.meta.url)('node:child_process') as ChildProcess;

export const spawn = ((...args: Parameters<ChildProcess['spawn']>) =>
  load().spawn(...args)) as ChildProcess['spawn'];
export const execFile = ((...args: Parameters<ChildProcess['execFile']>) =>
  load().execFile(...args)) as ChildProcess['execFile'];
