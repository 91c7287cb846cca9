import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { run } from '../src/base/run.js';
import { projectRoot } from '../test/support/sandbox.js';

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

/** What a result has to say of where it was measured. */
export async function describeMachine(): Promise<Record<string, unknown>> {
  const commit = (await must('git', ['-C', projectRoot, 'rev-parse', '--short', 'HEAD'])).trim();
  const machine = {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
  };
  return { machine, commit, loadAtEnd: (await readFile('/proc/loadavg', 'utf8')).trim() };
}

/** Writes bench/results/<date>-<commit>-<name>.json. */
export async function saveResult(name: string, result: Record<string, unknown>): Promise<void> {
  const folder = join(projectRoot, 'bench/results');
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${new Date().toISOString().slice(0, 10)}-${result.commit}-${name}.json`);
  await writeFile(file, `${JSON.stringify(result, null, 2)}\n`);
  process.stdout.write(`written to ${file.slice(projectRoot.length)}\n`);
}
