import { setTimeout } from 'node:timers/promises';
import { seededRandom } from '../faults/random.js';
import { createMany } from '../support/many-modules.js';
import { Sandbox } from '../support/sandbox.js';
import {
  killServer,
  siteOf,
  startCompanions,
  statusOf,
  supervisorPid,
  untilAnswered,
} from '../support/supervised.js';

export interface DeathOptions {
  deaths: number;
  interpreters: number;
  seed: number;
  onDeath?(count: number): void;
}

export interface DeathReport {
  /** What interpreters, the holder of open files or the prober saw. */
  errors: string[];
  /** From each kill until a request that no cache can answer was answered, ascending. */
  toServiceMs: number[];
  supervisorBytes: number;
  deathsCounted: number;
  rounds: { imports: number; rereads: number };
}

const modules = 200;
const longestPauseMs = 800;
/** So many deaths come while the next process is still on its way. */
const shareInStart = 0.2;
const longestStartMs = 300;

/** Kills the serving process again and again while interpreters import from the mount and one process holds files. */
export async function runDeaths(options: DeathOptions): Promise<DeathReport> {
  const sandbox = await Sandbox.make();
  // A process that came to serve begins a new row of deaths: what is measured is not the back-off.
  sandbox.variables.SHENV_SUPERVISION = 'deaths=1000,lastingMs=0';
  try {
    await createMany(sandbox, modules);
    return await killRepeatedly(sandbox, await sandbox.mount('kernel'), options);
  } finally {
    await sandbox.destroy();
  }
}

async function killRepeatedly(
  sandbox: Sandbox,
  mountpoint: string,
  { deaths, interpreters, seed, onDeath }: DeathOptions,
): Promise<DeathReport> {
  const random = seededRandom(seed);
  const supervisor = await supervisorPid(sandbox);
  const companions = await startCompanions(sandbox, mountpoint, { interpreters, modules, seed });
  const site = await siteOf(mountpoint);
  const toServiceMs: number[] = [];
  const errors: string[] = [];
  try {
    for (let count = 1; count <= deaths; count += 1) {
      await setTimeout(random() * longestPauseMs);
      let { killedMs } = await killServer(supervisor);
      while (count < deaths && random() < shareInStart) {
        await setTimeout(random() * longestStartMs);
        ({ killedMs } = await killServer(supervisor));
        count += 1;
      }
      onDeath?.(count);
      await untilAnswered(site).catch((error: unknown) => errors.push(`the prober: ${String(error)}`));
      toServiceMs.push(performance.now() - killedMs);
    }
    errors.push(...(await companions.stop()));
  } finally {
    companions.end();
  }
  const { supervision } = await statusOf(sandbox);
  const imports = companions.importers.reduce((sum, { rounds }) => sum + rounds, 0);
  return {
    errors,
    toServiceMs: toServiceMs.sort((a, b) => a - b),
    supervisorBytes: supervision!.memoryBytes,
    deathsCounted: supervision!.deaths,
    rounds: { imports, rereads: companions.holder.rounds },
  };
}

export function describeDeaths({ deaths, interpreters }: DeathOptions, report: DeathReport): string {
  const { errors, toServiceMs, supervisorBytes, rounds, deathsCounted } = report;
  const median = toServiceMs[Math.floor(toServiceMs.length / 2)] ?? 0;
  return [
    `${deaths} kills (${deathsCounted} deaths counted) under ${interpreters} importing interpreters: ${errors.length} errors`,
    `time to service again: median ${Math.round(median)} ms, max ${Math.round(toServiceMs.at(-1) ?? 0)} ms, of ${toServiceMs.length}`,
    `${rounds.imports} rounds of imports, ${rounds.rereads} rereads of open files and mappings`,
    `memory of the supervisor: ${supervisorBytes / 1024} KiB`,
  ].join('\n');
}
