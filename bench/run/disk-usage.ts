import { must } from './commands.js';

/** What folders and files occupy, by du(1); a file with several names counts once. Bytes are blocks, not lengths. */
export async function occupied(folders: readonly string[]): Promise<{ bytes: number; inodes: number }> {
  if (folders.length === 0) return { bytes: 0, inodes: 0 };
  return { bytes: await diskUsage(['-B1', ...folders]), inodes: await diskUsage(['--inodes', ...folders]) };
}

/** The total that du(1) gives for these arguments. */
export async function diskUsage(args: readonly string[]): Promise<number> {
  const output = await must('du', ['-s', '-c', ...args]);
  return Number(/(\d+)\s+total\s*$/.exec(output)![1]);
}
