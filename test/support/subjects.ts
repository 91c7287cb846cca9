import { access, constants, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Finished } from '../../src/base/run.js';
import { fillTemplate } from '../../src/python/skeleton.js';
import { sealedNotice } from '../../src/view/sealed-notice.js';
import { formatRecord, parseRecord } from '../../src/wheel/record.js';
import { buildWheels, type WheelSet } from '../conformance/wheels.js';
import { anyInterpreter } from './interpreters.js';
import { ProbeClient } from './probe-client.js';
import { Sandbox } from './sandbox.js';
import { rowOf } from './wheel-builder.js';

export const subjectNames = ['plain', 'fuse-native', 'kernel', 'kernel-sole'] as const;
export type SubjectName = (typeof subjectNames)[number];

/** What docs/exclusions.md lets a subject do in its own way. */
export interface Traits {
  /** The mount is read-only. */
  readOnly: boolean;
  /** Inode numbers stay when caches are dropped and the environment is mounted again, and listings give them. */
  inodesAreStable: boolean;
  /** File handles can be opened after that. */
  handles: boolean;
  /** Modification times are the wheel's. */
  exactTimes: boolean;
  /** A file with contents has one block; directories have size 0 and one link. */
  ownBlocksOnly: boolean;
}

const mounted = { readOnly: true, exactTimes: true, ownBlocksOnly: true };
const numbered = { inodesAreStable: true, handles: true };
const traitsOf: Readonly<Record<SubjectName, Traits>> = {
  plain: { readOnly: false, inodesAreStable: true, handles: true, exactTimes: false, ownBlocksOnly: false },
  'fuse-native': { ...mounted, inodesAreStable: false, handles: false },
  // Sealed environments in the mount that users get by default.
  kernel: { ...mounted, ...numbered, readOnly: false },
  'kernel-sole': { ...mounted, ...numbered },
};

const environment = 'demo';

/** How the environment comes to its path: through which engine, as a folder of a mount or as a mount of its own. */
interface Mounting {
  engine: string;
  /** Relative to the sandbox. */
  place: string;
  options: string[];
}

function mountingOf(name: SubjectName): Mounting {
  if (name !== 'kernel-sole') return { engine: name, place: 'mnt', options: [] };
  return {
    engine: 'kernel',
    place: join('mnt', environment),
    options: ['--env', environment, '--read-only'],
  };
}

export const originAttribute = 'user.shenv.origin';
const dropCachesFile = '/proc/sys/vm/drop_caches';

/** One environment as a test sees it: a path. */
export class Subject {
  readonly name: SubjectName;
  readonly traits: Traits;
  /** Root of the environment. */
  readonly path: string;
  /** Root of the same environment made by pip on disk; the subject itself when that is what is tested. */
  readonly reference: string;
  /** site-packages, relative to the root. */
  readonly site: string;
  readonly wheels: WheelSet;
  readonly client: ProbeClient;
  readonly sandbox: Sandbox;
  /** The interpreter of all environments. */
  readonly python: string;

  constructor(parts: SubjectParts) {
    this.name = parts.name;
    this.traits = traitsOf[parts.name];
    this.path = parts.path;
    this.reference = parts.reference;
    this.site = parts.site;
    this.wheels = parts.wheels;
    this.client = parts.client;
    this.sandbox = parts.sandbox;
    this.python = parts.python;
  }

  get isMounted(): boolean {
    return this.path !== this.reference;
  }

  /** Other environments appear beside it. */
  get hasNeighbours(): boolean {
    return this.isMounted && this.mountpoint !== this.path;
  }

  /** Where all environments are shown, or this one alone. */
  get mountpoint(): string {
    return this.sandbox.path(mountingOf(this.name).place);
  }

  run(command: string, ...args: string[]): Promise<Finished> {
    return this.sandbox.run(command, args);
  }

  /** A path in site-packages. */
  at(...parts: string[]): string {
    return join(this.path, this.site, ...parts);
  }

  /** Drops the kernel's clean caches. False where this user may not. */
  async dropCaches(): Promise<boolean> {
    if (process.getuid?.() !== 0) return false;
    try {
      await access(dropCachesFile, constants.W_OK);
    } catch {
      return false;
    }
    await writeFile(dropCachesFile, '3');
    return true;
  }

  /** Ends the daemon and starts another; a plain directory stays as it is. */
  async remount(): Promise<void> {
    if (!this.isMounted) return;
    await this.sandbox.expect('unmount', this.mountpoint);
    await mount(this.name, this.sandbox);
  }

  /** Makes another environment of the same mount; gives its root. */
  async createEnvironment(name: string, ...requirements: string[]): Promise<string> {
    await createEnvironment(this, name, requirements);
    return join(this.mountpoint, name);
  }

  async deleteEnvironment(name: string): Promise<void> {
    await this.sandbox.expect('delete', name);
  }
}

async function mount(name: SubjectName, sandbox: Sandbox): Promise<void> {
  const { engine, place, options } = mountingOf(name);
  await sandbox.mount(engine, place, ...options);
}

interface SubjectParts {
  name: SubjectName;
  path: string;
  reference: string;
  site: string;
  python: string;
  wheels: WheelSet;
  client: ProbeClient;
  sandbox: Sandbox;
}

/** Why this subject cannot be made by this build; undefined when it can. */
export async function unavailability(name: SubjectName): Promise<string | undefined> {
  const chosen = (process.env.SHENV_TEST_ENGINES ?? subjectNames.join(',')).split(',');
  if (!chosen.includes(name)) return 'SHENV_TEST_ENGINES leaves it out';
  if (name === 'plain') return undefined;
  const sandbox = await Sandbox.make();
  try {
    await sandbox.mount(mountingOf(name).engine);
    return undefined;
  } catch (error) {
    const { message } = error as Error;
    if (message.includes('[ENGINE_UNAVAILABLE]')) return message;
    throw error;
  } finally {
    await sandbox.destroy();
  }
}

/**
 * Builds the wheels, makes a venv of them with pip, and, for an engine, the environment at the same path;
 * so not even the scripts may differ. `sandbox` is the caller's to destroy.
 */
export async function makeSubject(name: SubjectName, sandbox: Sandbox): Promise<Subject> {
  const { minor, baseExecutable: python, ensurepipWheel } = await anyInterpreter();
  const client = await ProbeClient.compile(sandbox);
  const wheels = await buildWheels(sandbox, minor);
  const site = `lib/python${minor}/site-packages`;
  const path = sandbox.path('mnt', environment);
  await installWithPip(sandbox, { python, pip: join(ensurepipWheel!, 'pip'), path, wheels });
  if (name === 'plain') {
    return new Subject({ name, path, reference: path, site, wheels, client, sandbox, python });
  }
  if (Number(minor.split('.')[1]) >= 9) await modernizeScript(path, site);
  await addNotice(path, environment);
  await rename(sandbox.path('mnt'), sandbox.path('reference'));
  await createEnvironment({ sandbox, wheels, python }, environment, wheels.requirements);
  await mount(name, sandbox);
  const reference = sandbox.path('reference', environment);
  return new Subject({ name, path, reference, site, wheels, client, sandbox, python });
}

/** The two files that a sealed environment has and pip's venv has not: docs/exclusions.md. */
async function addNotice(path: string, name: string): Promise<void> {
  for (const entry of sealedNotice) {
    if (entry.kind !== 'file') continue;
    const text = fillTemplate(entry.segments, { path, name, systemSitePackages: false });
    await writeFile(join(path, entry.path), text);
  }
}

function createEnvironment(
  { sandbox, wheels, python }: Pick<SubjectParts, 'sandbox' | 'wheels' | 'python'>,
  name: string,
  requirements: readonly string[],
): Promise<string> {
  const source = ['--no-index', '--find-links', wheels.folder, '--without-pip', '--no-bytecode'];
  return sandbox.expect('create', name, '--python', python, ...source, ...requirements);
}

/**
 * Gives the script of an entry point the text that pip writes from 25.1 on, as view/scripts.ts does; ensurepip
 * may carry an older one. Its row of RECORD follows.
 */
async function modernizeScript(root: string, site: string): Promise<void> {
  const script = join(root, 'bin/greet');
  const text = (await readFile(script, 'utf8'))
    .replace('# -*- coding: utf-8 -*-\nimport re\n', '')
    .replace("re.sub(r'(-script\\.pyw|\\.exe)?$', '', sys.argv[0])", "sys.argv[0].removesuffix('.exe')");
  const record = join(root, site, 'programs-1.0.dist-info/RECORD');
  const rows = parseRecord(await readFile(record, 'utf8'), record);
  const path = '../../../bin/greet';
  const changed = rows.map((row) => (row.path === path ? rowOf(path, Buffer.from(text)) : row));
  await writeFile(script, text);
  await writeFile(record, formatRecord(changed));
}

interface PipInstallation {
  python: string;
  /** pip's folder in its wheel, which runs without being installed. */
  pip: string;
  path: string;
  wheels: WheelSet;
}

async function installWithPip(sandbox: Sandbox, installation: PipInstallation): Promise<void> {
  const { python, pip, path, wheels } = installation;
  await must(sandbox, python, '-I', '-m', 'venv', '--without-pip', path);
  const source = ['--no-compile', '--no-index', '--find-links', wheels.folder];
  const install = ['install', '--quiet', '--disable-pip-version-check', ...source, ...wheels.requirements];
  await must(sandbox, python, pip, '--python', path, ...install);
}

/** With the usual umask, which modes follow. */
async function must(sandbox: Sandbox, command: string, ...args: string[]): Promise<void> {
  const call = ['-c', 'umask 022; exec "$@"', 'sh', command, ...args];
  const { status, stderr } = await sandbox.run('sh', call);
  if (status !== 0)
    throw new Error(`${command} ${args.slice(0, 4).join(' ')} ended with ${status}: ${stderr}`);
}
