import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type Random, seededRandom } from '../faults/random.js';
import { eventually } from '../support/eventually.js';
import { compareInstalled, readInstalled } from '../support/installed-tree.js';
import { anyInterpreter } from '../support/interpreters.js';
import { Sandbox } from '../support/sandbox.js';
import { isLive, kill, killServer, recordOf, supervisorPid } from '../support/supervised.js';
import { must } from '../support/twins.js';
import { type Expected, findImpossible } from './interrupted-tree.js';
import { writeRandomWheels, writeReplaced } from './random-wheels.js';

export interface KillOptions {
  kills: number;
  seed: number;
  /** A supervisor starts the next server, and pip goes on. */
  isSupervised?: boolean;
  /** pip itself is killed, in a venv on the disk: shows what the rules allow. */
  isPlain?: boolean;
  /** Ends it after the round that runs. */
  signal?: AbortSignal;
  onKill?(count: number): void;
}

export interface KillReport {
  kills: number;
  /** Kills that came before pip had ended. */
  inTime: number;
  /** Environments that had to be completed with --ignore-installed, as pip takes a beginning for the whole. */
  completed: number;
  violations: string[];
}

const pipTimeoutMs = 120_000;
const name = 'victim';

/** Kills the serving process while pip installs, and looks at what is left; throws only when it cannot begin. */
export async function killInstalls(options: KillOptions): Promise<KillReport> {
  const sandbox = await Sandbox.make();
  delete sandbox.variables.PYTHONDONTWRITEBYTECODE;
  sandbox.variables.PIP_DISABLE_PIP_VERSION_CHECK = '1';
  sandbox.variables.SHENV_SUPERVISION = 'deaths=1000,lastingMs=0';
  try {
    return await new Campaign(sandbox, options).run();
  } finally {
    await sandbox.destroy();
  }
}

class Campaign {
  readonly #sandbox: Sandbox;
  readonly #options: KillOptions;
  readonly #random: Random;
  readonly #report: KillReport = { kills: 0, inTime: 0, completed: 0, violations: [] };
  readonly #root: string;
  #python = '';
  #source: string[] = [];
  #wanted: string[] = [];
  #longestMs = 0;

  constructor(sandbox: Sandbox, options: KillOptions) {
    this.#sandbox = sandbox;
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.#root = options.isPlain ? sandbox.path(name) : sandbox.path('mnt', name);
  }

  async run(): Promise<KillReport> {
    const expected = await this.#prepare();
    for (let count = 1; count <= this.#options.kills; count += 1) {
      if (this.#options.signal?.aborted) break;
      const before = this.#report.violations.length;
      await this.#round(expected).catch((error: Error) => this.#report.violations.push(error.message));
      const { violations } = this.#report;
      for (let at = before; at < violations.length; at += 1)
        violations[at] = `kill ${count}: ${violations[at]}`;
      this.#report.kills = count;
      this.#options.onKill?.(count);
    }
    return this.#report;
  }

  /** Before and after, as a venv on the disk has them. */
  async #prepare(): Promise<Expected> {
    const wheels = this.#sandbox.path('wheels');
    this.#wanted = (await writeRandomWheels(wheels)).map((own) => `${own}==1.0`);
    await writeReplaced(wheels);
    this.#source = ['--no-index', '--find-links', wheels];
    this.#python = (await anyInterpreter()).baseExecutable;
    // Of the same name: activate scripts have it in the prompt.
    const reference = this.#sandbox.path('reference', name);
    await this.#makeVenv(reference);
    const before = await readInstalled(reference);
    const start = performance.now();
    await must(this.#sandbox, ...this.#pip(reference));
    this.#longestMs = performance.now() - start;
    const after = await readInstalled(reference);
    if (this.#options.isPlain) {
      await this.#makeVenv(this.#root);
      await must(this.#sandbox, 'cp', '-a', this.#root, `${this.#root}-unharmed`);
    } else {
      const requirements = [...this.#source, 'own0==0.9'];
      await this.#sandbox.expect('create', '--writable', 'base', '--python', this.#python, ...requirements);
      await this.#mount();
    }
    return { before, after };
  }

  async #makeVenv(place: string): Promise<void> {
    await must(this.#sandbox, this.#python, '-I', '-m', 'venv', place);
    await must(
      this.#sandbox,
      join(place, 'bin/python'),
      '-m',
      'pip',
      'install',
      '-q',
      ...this.#source,
      'own0==0.9',
    );
  }

  #pip(root: string, ...more: string[]): [string, ...string[]] {
    return [
      join(root, 'bin/python'),
      '-m',
      'pip',
      'install',
      '-q',
      ...more,
      ...this.#source,
      ...this.#wanted,
    ];
  }

  async #mount(): Promise<void> {
    await this.#sandbox.mount('kernel', 'mnt', ...(this.#options.isSupervised ? [] : ['--no-supervise']));
  }

  async #round(expected: Expected): Promise<void> {
    await this.#makeVictim();
    const pip = new Installation(this.#sandbox, this.#pip(this.#root));
    await setTimeout((0.2 + 0.9 * this.#random()) * this.#longestMs);
    await this.#kill(pip);
    const status = await pip.ended();
    if (this.#options.isSupervised) await this.#checkUndisturbed(status, expected);
    else await this.#checkInterrupted(expected);
    // As fast as the machine is by now.
    if (status === 0) this.#longestMs = pip.tookMs;
  }

  async #makeVictim(): Promise<void> {
    if (this.#options.isPlain) {
      await must(this.#sandbox, 'rm', '-rf', this.#root);
      await must(this.#sandbox, 'cp', '-a', `${this.#root}-unharmed`, this.#root);
      return;
    }
    await this.#sandbox.shenv('delete', name);
    await this.#sandbox.expect('clone', 'base', name);
  }

  /** Kills and, without a supervisor, mounts anew. */
  async #kill(pip: Installation): Promise<void> {
    if (pip.isRunning) this.#report.inTime += 1;
    if (this.#options.isPlain) return pip.kill();
    if (this.#options.isSupervised) {
      await killServer(await supervisorPid(this.#sandbox));
      return;
    }
    const { pid } = await recordOf(this.#sandbox);
    kill(pid);
    await eventually(async () => !(await isLive(pid)), 'the server is dead');
    await pip.ended();
    await this.#sandbox.expect('unmount', this.#sandbox.path('mnt'));
    await this.#mount();
  }

  async #checkUndisturbed(status: number | null, { after }: Expected): Promise<void> {
    if (status !== 0) this.#report.violations.push(`pip ended with ${status}`);
    this.#report.violations.push(...compareInstalled(await readInstalled(this.#root), after));
    await this.#checkStore();
  }

  async #checkInterrupted(expected: Expected): Promise<void> {
    const left = await readInstalled(this.#root);
    this.#report.violations.push(...findImpossible(left, expected));
    const isTold = [...left].every(([path, item]) => !isCutOff(path, item, expected));
    const listed = await this.#sandbox.run(join(this.#root, 'bin/python'), ['-m', 'pip', 'list']);
    if (listed.status !== 0 && isTold) this.#report.violations.push(`pip list: ${listed.stderr}`);
    await this.#checkStore();
    await must(this.#sandbox, ...this.#pip(this.#root));
    if (this.#missing(await readInstalled(this.#root), expected).length > 0) {
      this.#report.completed += 1;
      await must(this.#sandbox, ...this.#pip(this.#root, '--ignore-installed'));
    }
    this.#report.violations.push(...this.#missing(await readInstalled(this.#root), expected));
  }

  /** What pip did not bring; what it left of what it was removing may stay. */
  #missing(found: Map<string, string>, { after }: Expected): string[] {
    const wanted = new Map([...found].filter(([path]) => after.has(path)));
    return compareInstalled(wanted, after);
  }

  async #checkStore(): Promise<void> {
    if (this.#options.isPlain) return;
    const { status, stdout, stderr } = await this.#sandbox.shenv('store', 'verify');
    if (status !== 0) this.#report.violations.push(`store verify ended with ${status}: ${stdout} ${stderr}`);
  }
}

/** Metadata of which only a beginning is there: pip may then say nothing at all. */
function isCutOff(path: string, item: string, { before, after }: Expected): boolean {
  return /\.dist-info\/METADATA$/.test(path) && ![before.get(path), after.get(path)].includes(item);
}

/** pip at work. */
class Installation {
  readonly #child: ChildProcess;
  readonly #end: Promise<[number | null, NodeJS.Signals | null]>;
  /** From its start to its end, 0 before that. */
  tookMs = 0;

  constructor(sandbox: Sandbox, [program, ...args]: readonly [string, ...string[]]) {
    this.#child = spawn(program, args, { env: sandbox.variables, cwd: sandbox.folder, stdio: 'ignore' });
    this.#end = once(this.#child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    const start = performance.now();
    this.#child.once('close', () => {
      this.tookMs = performance.now() - start;
    });
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Its status; killed when it takes too long. */
  async ended(): Promise<number | null> {
    const timer = global.setTimeout(() => this.kill(), pipTimeoutMs);
    const [status] = await this.#end;
    clearTimeout(timer);
    return status;
  }
}

export function describeKills({ seed, isSupervised }: KillOptions, report: KillReport): string {
  return (
    `seed ${seed}: ${report.kills} kills during pip install${isSupervised ? ' under supervision' : ''}, ` +
    `${report.inTime} before its end, ${report.completed} completed with --ignore-installed: ` +
    `${report.violations.length} violations`
  );
}
