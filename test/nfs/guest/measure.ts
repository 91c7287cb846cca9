/**
 * guest/measure.js OPTIONS: imports over NFS v4.2 with a delay on the network, from the exported mount and from a copy of
 * the same environment in an exported folder in memory. A line of JSON for each import goes to the results.
 */
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exportAgain, mountClient } from './kernel-server.js';
import { difference, operationsOf } from './mount-statistics.js';
import { type SceneOptions, setScene } from './scene.js';
import { dropCaches, must } from './system.js';

export interface MeasureOptions extends SceneOptions {
  /** Name of a set to the modules that are imported. */
  sets: Record<string, string[]>;
  delayMs: number;
  rounds: number;
}

/** One import by a process of its own. */
export interface Import {
  contender: 'mount' | 'venv';
  set: string;
  cache: 'cold' | 'warm';
  ms: number;
  modules: number;
  operations: Record<string, number>;
}

const copyFolder = '/run/copy';
const code =
  'import importlib, sys; [importlib.import_module(m) for m in sys.argv[1:]]; print(len(sys.modules))';

async function importOnce(root: string, mountpoint: string, modules: readonly string[]) {
  const before = await operationsOf(mountpoint);
  const startNs = process.hrtime.bigint();
  const printed = await must(join(root, 'bin/python'), '-c', code, ...modules);
  const ms = Number(process.hrtime.bigint() - startNs) / 1e6;
  return { ms, modules: Number(printed), operations: difference(before, await operationsOf(mountpoint)) };
}

const options = JSON.parse(await readFile(process.argv[2]!, 'utf8')) as MeasureOptions;
const tell = (result: Import) => appendFile(join(options.results, 'imports'), `${JSON.stringify(result)}\n`);

const { local, exported, clients } = await setScene(options);
await mkdir(copyFolder);
await must('mount', '-t', 'tmpfs', 'copy', copyFolder);
await must('cp', '-a', join(local, options.environment), copyFolder);
const line = exported.exports.replaceAll(local, copyFolder).replace(exported.fsid, '7');
await exportAgain(exported.exports + line);
const copies = await mountClient(exported.mount.replaceAll(local, copyFolder), '/run/clients/copy');
await must('tc', 'qdisc', 'replace', 'dev', 'lo', 'root', 'netem', 'delay', `${options.delayMs}ms`);

for (let round = 0; round < options.rounds; round += 1) {
  for (const [set, modules] of Object.entries(options.sets)) {
    for (const [contender, mountpoint] of [
      ['mount', clients['4.2']],
      ['venv', copies],
    ] as const) {
      await dropCaches();
      for (const cache of ['cold', 'warm'] as const) {
        const root = join(mountpoint, options.environment);
        await tell({ contender, set, cache, ...(await importOnce(root, mountpoint, modules)) });
      }
    }
  }
}
process.exit();
