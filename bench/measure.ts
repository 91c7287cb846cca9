import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { run } from '../src/base/run.js';

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const timeoutMs = 600_000;

/** Runs a program. Throws when it fails. */
export async function must(program: string, args: readonly string[], env = process.env): Promise<string> {
  const { status, stdout, stderr } = await run(program, args, { timeoutMs, env });
  if (status === 0) return stdout;
  throw new Error(`${program} ${args.slice(0, 4).join(' ')} ended with ${status}: ${stderr.slice(-800)}`);
}

/** Writes dirty pages out and drops the page, dentry and inode caches (proc(5), drop_caches); needs root. */
export async function dropCaches(): Promise<void> {
  await must('sync', []);
  await writeFile('/proc/sys/vm/drop_caches', '3');
}

/** Nanoseconds for each operation, a value a pass, as bench/clients/fsclient.c counts them. */
export async function passes(client: string, trial: string, list: string, count: number): Promise<number[]> {
  const output = await must(client, [trial, list, String(count)]);
  return output
    .trim()
    .split('\n')
    .map((line) => {
      const [operations = 1, ns = 0] = line.split(' ').map(Number);
      return ns / operations;
    });
}

/** Wall time of a command in ms; output is thrown away. Throws when it fails. */
export function wallMs(program: string, args: readonly string[], env = process.env): Promise<number> {
  return new Promise((resolve, reject) => {
    const start = process.hrtime.bigint();
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'], env });
    child.on('error', reject);
    child.on('close', (status) => {
      if (status === 0) resolve(Number(process.hrtime.bigint() - start) / 1e6);
      else reject(new Error(`${program} ended with ${status}`));
    });
  });
}
