import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../../test/support/sandbox.js';
import type { Summary } from '../report/statistics.js';
import type { Bench } from './bench.js';
import { must } from './commands.js';
import type { Place } from './contender.js';

export type ClientTrial = 'stat' | 'missing' | 'listdir' | 'scandir' | 'read';

/** Builds a program of bench/clients and gives its path. */
export async function buildClient(bench: Bench, name: string): Promise<string> {
  const path = join(await bench.newFolder('clients'), name);
  const source = join(projectRoot, 'bench/clients', `${name}.c`);
  await must('cc', ['-O2', '-Wall', '-pthread', '-o', path, source]);
  return path;
}

export interface ListedPlace {
  place: Place;
  /** The file with every path of the place, so that a measurement touches nothing before it starts. */
  list: string;
}

/** Lists what is below the folders of importable files, or below `roots`. */
export async function listPlace(
  { bench, client }: { bench: Bench; client: string },
  place: Place,
  label: string,
  roots: readonly string[] = place.sites,
): Promise<ListedPlace> {
  const folder = await bench.newFolder('lists');
  const list = join(folder, `${label}-${place.contender}.list`.replaceAll(/[ /]/g, '-'));
  await writeFile(list, await must(client, ['collect', ...roots]));
  return { place, list };
}

/** What takes longer is measured in two passes, so that one slow contender does not take the time of all. */
const mostMs = 2000;

/** Microseconds for each operation, a value a pass; fewer than `count`, at least two, where they take long. */
export async function passes(
  client: string,
  trial: ClientTrial,
  list: string,
  count: number,
): Promise<number[]> {
  const output = await must(client, [trial, list, String(count), String(mostMs)]);
  return output
    .trim()
    .split('\n')
    .map((line) => {
      const [operations = 0, ns = 0] = line.split(' ').map(Number);
      if (operations === 0) throw new Error(`${list} has nothing for the trial ${trial}`);
      return ns / operations / 1000;
    });
}

/** How long single calls took, in microseconds, over one pass. */
export async function eachCall(client: string, trial: ClientTrial, list: string): Promise<Summary> {
  const output = await must(client, [trial, list, '1', 'each']);
  const [count = 0, ...ns] = output.trim().split(' ').map(Number);
  const [min = 0, median = 0, p99 = 0, max = 0] = ns.map((value) => value / 1000);
  return { count, min, median, p99, max };
}
