import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Random, seededRandom } from '../faults/random.js';
import { eventually } from '../support/eventually.js';
import { Sandbox } from '../support/sandbox.js';
import { kill } from '../support/supervised.js';
import { describeTraces, findTraces } from './traces.js';

export interface CycleOptions {
  cycles: number;
  /** Mount points that come and go at the same time. */
  places: number;
  seed: number;
  onCycle?(count: number): void;
}

export interface CycleReport {
  cycles: number;
  /** How often each way of ending a mount was taken. */
  endings: Record<string, number>;
  /** What commands or the comparison at the end complained of. */
  errors: string[];
}

type End = (
  sandbox: Sandbox,
  mountpoint: string,
  pids: { server: number; supervisor: number },
) => Promise<void>;

/** Ways to end a mount; each leaves nothing, the last two after the stale mount was cleaned by `unmount`. */
const endings: Record<string, End> = {
  unmount: async (sandbox, mountpoint) => {
    await sandbox.expect('unmount', mountpoint);
  },
  'lazy unmount': async (sandbox, mountpoint) => {
    await sandbox.expect('unmount', mountpoint, '--lazy');
  },
  SIGTERM: async (_sandbox, _mountpoint, { supervisor }) => {
    kill(supervisor, 'SIGTERM');
  },
  'server killed': async (sandbox, mountpoint, { server }) => {
    kill(server);
    await sandbox.expect('unmount', mountpoint);
  },
  'both killed': async (sandbox, mountpoint, { server, supervisor }) => {
    kill(supervisor);
    kill(server);
    await sandbox.expect('unmount', mountpoint);
  },
};

/** Mounts and ends mounts again and again, and looks for what is left when all are gone. */
export async function runCycles(options: CycleOptions): Promise<CycleReport> {
  const sandbox = await Sandbox.make();
  const report: CycleReport = { cycles: 0, endings: {}, errors: [] };
  try {
    await sandbox.expect('create', 'demo', '--without-pip');
    const random = seededRandom(options.seed);
    const places = Array.from({ length: options.places }, (_, index) => sandbox.path(`mnt${index}`));
    await Promise.all(places.map((place) => cycleAt(sandbox, place, random, options, report)));
    await compare(sandbox, report);
  } finally {
    await sandbox.destroy();
  }
  return report;
}

async function cycleAt(
  sandbox: Sandbox,
  mountpoint: string,
  random: Random,
  { cycles, onCycle }: CycleOptions,
  report: CycleReport,
): Promise<void> {
  const names = Object.keys(endings);
  while (report.cycles < cycles) {
    report.cycles += 1;
    onCycle?.(report.cycles);
    const name = names[Math.floor(random() * names.length)]!;
    report.endings[name] = (report.endings[name] ?? 0) + 1;
    try {
      await cycle(sandbox, mountpoint, endings[name]!);
    } catch (error) {
      report.errors.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

async function cycle(sandbox: Sandbox, mountpoint: string, end: End): Promise<void> {
  await sandbox.mount('kernel', mountpoint.split('/').at(-1));
  await readdir(join(mountpoint, 'demo', 'bin'));
  const [status] = JSON.parse(await sandbox.expect('status', mountpoint, '--json')) as {
    pid: number;
    supervision: { pid: number };
  }[];
  await end(sandbox, mountpoint, { server: status!.pid, supervisor: status!.supervision.pid });
  await eventually(
    async () => (await readdir(mountpoint)).length === 0,
    `${mountpoint} is not mounted any more`,
    30_000,
  );
  await eventually(
    async () => !(await isNamed(sandbox, mountpoint)),
    `no process serves ${mountpoint}`,
    30_000,
  );
}

async function isNamed(sandbox: Sandbox, mountpoint: string): Promise<boolean> {
  const { processes } = await findTraces(sandbox);
  return processes.some((command) => command.includes(`${mountpoint} `));
}

/** A dead process leaves its lease to the next collection, as any does. */
async function compare(sandbox: Sandbox, report: CycleReport): Promise<void> {
  await sandbox.expect('store', 'gc');
  report.errors.push(...describeTraces(await findTraces(sandbox)).map((line) => `left behind: ${line}`));
}

export function describeCycles(report: CycleReport): string {
  const ways = Object.entries(report.endings).map(([name, count]) => `${count} ${name}`);
  return [
    `${report.cycles} cycles of mount and end (${ways.join(', ')}): ${report.errors.length} errors`,
    'compared at the end: processes, mounts, sockets, runtime files, leases, descriptors; only logs may be left',
  ].join('\n');
}
