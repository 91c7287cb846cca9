import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../../src/base/run.js';
import { isMounted, probeMount } from '../../../src/mount/mountpoint.js';
import { projectRoot } from '../../support/sandbox.js';
import { compareTrees, readTree } from '../../support/tree.js';
import { type DaemonPlaces, GuestDaemon } from './daemon.js';
import { Holder } from './holder.js';
import { serve, stopServing } from './kernel-server.js';
import { type Scene, samplePaths, versions } from './scene.js';
import { dropCaches, must } from './system.js';

/** What must hold in the guest; `violations` gives what does not. */
export interface Rule {
  title: string;
  violations(scene: Scene): Promise<string[]>;
}

const mostShown = 10;

async function treeDiffers({ local, clients, options }: Scene, version: (typeof versions)[number]) {
  const { environment } = options;
  const [expected, found] = [
    await readTree(local, environment),
    await readTree(clients[version], environment),
  ];
  if (expected.size < 50) return [`the local mount shows ${expected.size} entries`];
  const differences = compareTrees(expected, found);
  for (const path of expected.keys()) {
    const [here, there] = [await timeOf(join(local, path)), await timeOf(join(clients[version], path))];
    if (here !== there) differences.push(`${path}: mtime ${here} and ${there}`);
  }
  return differences.slice(0, mostShown);
}

async function timeOf(path: string): Promise<bigint | undefined> {
  return (await lstat(path, { bigint: true }).catch(() => undefined))?.mtimeNs;
}

async function importFails({ clients, options }: Scene, version: (typeof versions)[number]) {
  const root = join(clients[version], options.environment);
  const code = `import ${options.extension} as m; print(m.__file__)`;
  const printed = (await must(join(root, 'bin/python'), '-c', code)).trim();
  return printed.startsWith(`${root}/`) && printed.endsWith('.so') ? [] : [`it came from ${printed}`];
}

async function numbersDiffer(folder: string): Promise<string[]> {
  const script = join(projectRoot, 'test/nfs/guest/numbers.py');
  const lines = (await must('python3', script, folder)).split('\n');
  return lines.filter(Boolean).slice(0, mostShown);
}

/** Handles of a mount, taken and opened by a program that does not know the mount's files otherwise. */
async function ask(scene: Scene, ...args: string[]): Promise<string[]> {
  const { status, stdout, stderr } = await run(scene.options.probe, args, { timeoutMs: 60_000 });
  if (status !== 0) throw new Error(`${args[0]} ended with ${status}: ${stderr}`);
  return stdout.split('\n').filter(Boolean);
}

const saved = '/run/handles';
const pathsOf = (scene: Scene, root = scene.local) =>
  samplePaths(scene.options).map((path) => join(root, path));

/** Each is opened alone, with `between` before it, so that none finds what another has brought. */
async function handlesFail(
  scene: Scene,
  between: () => Promise<void>,
  paths = pathsOf(scene),
): Promise<string[]> {
  const failed: string[] = [];
  for (const path of paths) {
    await ask(scene, 'take-handles', saved, path);
    const before = await ask(scene, 'open-handles', scene.local, saved, path);
    await between();
    const after = await ask(scene, 'open-handles', scene.local, saved, path);
    if (!/\t\d+ \d+ [0-9a-f]+$/.test(before[0]!)) failed.push(`fresh: ${before[0]}`);
    else if (after[0] !== before[0]) failed.push(`${before[0]} became ${after[0]}`);
  }
  return failed;
}

/** What a client holds open says the same after `between`, when nothing of it is cached any more. */
async function heldFails(
  scene: Scene,
  version: (typeof versions)[number],
  between: () => Promise<void>,
): Promise<string[]> {
  const holder = new Holder('python3', pathsOf(scene, scene.clients[version]));
  try {
    const before = await holder.look();
    const failed = Object.entries(before).filter(([, said]) => !/^(\d+ names )?[0-9a-f]{64}$/.test(said));
    if (failed.length > 0) return failed.map(([path, said]) => `fresh: ${path}: ${said}`);
    await between();
    await dropCaches();
    const after = await holder.look();
    const changed = Object.keys(before).filter((path) => after[path] !== before[path]);
    return changed.map((path) => `${path}: ${before[path]} became ${after[path]}`);
  } finally {
    holder.end();
  }
}

/** The daemon is ended and another begins; the server forgets what it knows of the mount, as `export-nfs` says. */
async function restart({ daemon, local }: Scene, end: () => Promise<void>): Promise<void> {
  await end();
  const isServed = (await isMounted(local)) && (await probeMount(local)) === 'answers';
  if (!isServed) await daemon.start();
  await must('exportfs', '-f');
}

/** For v4 the server itself has open what clients have, in the mount that died; it opens them anew when it restarts. */
async function restartAfterDeath(scene: Scene, version: (typeof versions)[number]): Promise<void> {
  await restart(scene, () => scene.daemon.kill());
  if (version === '3') return;
  await stopServing();
  await serve();
}

async function otherHostDiffers(scene: Scene): Promise<string[]> {
  const { home } = scene.options;
  const places: DaemonPlaces = { home, runtime: '/run/other-host', mountpoint: '/run/other-venvs' };
  const other = new GuestDaemon(places);
  await other.start();
  try {
    const take = async (root: string) => {
      const lines = await ask(scene, 'take-handles', saved, ...pathsOf(scene, root));
      return lines.map((line) => line.replace(root, ''));
    };
    const [here, there] = [await take(scene.local), await take(places.mountpoint)];
    return here.filter((line, at) => line !== there[at] || !/\t129 [0-9a-f]{24}$/.test(line));
  } finally {
    await other.stop();
  }
}

const perVersion = (
  title: (version: string) => string,
  violations: (scene: Scene, version: (typeof versions)[number]) => Promise<string[]>,
): Rule[] =>
  versions.map((version) => ({
    title: title(`v${version}`),
    violations: (scene) => violations(scene, version),
  }));

export const rules: readonly Rule[] = [
  {
    title: 'export-nfs finds nothing missing, and exportfs takes its line',
    violations: async ({ exported, exports, local }) => [
      ...exported.missing.map(({ problem }) => problem),
      ...(exports.includes(local) && exports.includes(`fsid=${exported.fsid}`) ? [] : [exports]),
    ],
  },
  ...perVersion((version) => `the whole tree is that of the local mount, over ${version}`, treeDiffers),
  ...perVersion((version) => `Python imports a C extension over ${version}`, importFails),
  {
    title: 'd_ino is st_ino, and the parent of a folder is above it, in the mount',
    violations: ({ local }) => numbersDiffer(local),
  },
  ...perVersion(
    (version) => `d_ino is st_ino, and the parent of a folder is above it, over ${version}`,
    ({ clients }, version) => numbersDiffer(clients[version]),
  ),
  {
    title: 'a handle opens the same object when nothing is cached',
    violations: (scene) => handlesFail(scene, dropCaches),
  },
  {
    title: 'a handle is the first thing that a new daemon is asked for, and opens the same object',
    violations: (scene) =>
      handlesFail(scene, () => restart(scene, () => scene.daemon.stop()), pathsOf(scene).slice(-3)),
  },
  ...perVersion(
    (version) => `what a client holds open is good when nothing is cached, over ${version}`,
    (scene, version) => heldFails(scene, version, dropCaches),
  ),
  ...perVersion(
    (version) => `what a client holds open is good when the daemon was stopped and started, over ${version}`,
    (scene, version) => heldFails(scene, version, () => restart(scene, () => scene.daemon.stop())),
  ),
  ...perVersion(
    (version) => `what a client holds open is good when the process that serves was killed, over ${version}`,
    (scene, version) => heldFails(scene, version, () => scene.daemon.killServer()),
  ),
  ...perVersion(
    (version) =>
      `what a client holds open is good when a new daemon follows one that was killed, over ${version}`,
    (scene, version) => heldFails(scene, version, () => restartAfterDeath(scene, version)),
  ),
  ...perVersion(
    (version) => `after all that the whole tree is that of the local mount, over ${version}`,
    treeDiffers,
  ),
  {
    title: 'node ids and generations are those that another host of the same home gives',
    violations: otherHostDiffers,
  },
];
