import { copyFile, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { anyInterpreter, anySharedInterpreter } from '../support/interpreters.js';
import { projectRoot, Sandbox } from '../support/sandbox.js';
import { compareLogs, compareSurveys, type Survey } from './compare-logs.js';
import { type Killing, killNowAndThen } from './kill-now-and-then.js';
import { expectAs, mustAs, type Owner, selfOf, unprivilegedOf } from './owner.js';
import { ownPackages, writeRandomWheels } from './random-wheels.js';

/** What a death of the serving process may do twice, or end: docs/writable.md. */
const undoneByDeath = ['exchange', 'work_inside_removed'];

export interface EqualityOptions {
  seed: number;
  steps: number;
  /** Steps from one look at the whole trees to the next. */
  every: number;
  /** Several processes at once, each in a folder of its own and all in some. */
  isShared?: boolean;
  isUnprivileged?: boolean;
  /** Both twins are plain folders: shows that the sequence is the same each time. */
  isPlain?: boolean;
  /** The serving process is killed again and again meanwhile. */
  hasDeaths?: boolean;
  /** `chmod:N`: the second twin leaves its N-th chmod out. */
  fault?: string;
  /** Operations that are left out, with commas. */
  skip?: string;
  /** A folder for the logs. */
  keep?: string;
}

export interface EqualityReport {
  differences: string[];
  /** Operations by name and how often they succeeded. */
  operations: Record<string, { count: number; succeeded: number }>;
  deaths: number;
}

const client = join(projectRoot, 'test/writable/client');
const name = 'twin';

/** Runs one sequence on a plain folder and on a writable environment of the same content, and compares all. */
export async function compareTwins(options: EqualityOptions): Promise<EqualityReport> {
  const sandbox = await Sandbox.make();
  const owner = options.isUnprivileged ? await unprivilegedOf(sandbox) : selfOf(sandbox);
  const mountpoint = join(owner.folder, 'mnt');
  try {
    const twins = await new Twins(owner, mountpoint, options).make(sandbox);
    return await twins.compare();
  } finally {
    if (!options.isPlain) await owner.shenv('unmount', mountpoint, '--lazy');
    await sandbox.destroy();
  }
}

class Twins {
  readonly #owner: Owner;
  readonly #mountpoint: string;
  readonly #options: EqualityOptions;
  readonly #plain: string;
  readonly #other: string;
  #python = '';

  constructor(owner: Owner, mountpoint: string, options: EqualityOptions) {
    this.#owner = owner;
    this.#mountpoint = mountpoint;
    this.#options = options;
    this.#plain = join(owner.folder, 'plain');
    this.#other = join(options.isPlain ? owner.folder : mountpoint, name);
  }

  async make(sandbox: Sandbox): Promise<this> {
    const owner = this.#owner;
    const wheels = sandbox.path('random-wheels');
    const requirements = await writeRandomWheels(wheels);
    const { isUnprivileged } = this.#options;
    const { baseExecutable, ensurepipWheel } = await (isUnprivileged
      ? anySharedInterpreter()
      : anyInterpreter());
    this.#python = baseExecutable;
    const source = ['--no-index', '--find-links', wheels, ...requirements];
    if (this.#options.isPlain) {
      await mustAs(owner, baseExecutable, '-I', '-m', 'venv', '--without-pip', this.#other);
      const pip = join(ensurepipWheel!, 'pip');
      await mustAs(owner, baseExecutable, pip, '--python', this.#other, 'install', '-q', ...source);
    } else {
      const python = ['--python', baseExecutable, '--without-pip'];
      await expectAs(owner, 'create', '--writable', name, ...python, ...source);
      await this.#mount();
    }
    await mustAs(owner, 'cp', '-a', this.#other, this.#plain);
    return this;
  }

  async compare(): Promise<EqualityReport> {
    await this.#run(this.#plain, 'first');
    const killing = this.#options.hasDeaths ? this.#killNowAndThen() : undefined;
    try {
      await this.#run(
        this.#other,
        'second',
        ...(this.#options.fault ? ['--fault', this.#options.fault] : []),
      );
    } finally {
      await killing?.stop();
    }
    const differences = await this.#compareLogs();
    if (!this.#options.isPlain && differences.length === 0) differences.push(...(await this.#remounted()));
    return { differences, operations: await this.#operations(), deaths: killing?.deaths ?? 0 };
  }

  #killNowAndThen(): Killing {
    let asked = 0;
    return killNowAndThen({
      runtimeFolder: join(this.#owner.folder, 'run'),
      seed: this.#options.seed,
      untilAnswered: () => {
        asked += 1;
        return this.#owner.run('stat', join(this.#other, `absent-${asked}`));
      },
    });
  }

  async #mount(): Promise<void> {
    await expectAs(this.#owner, 'mount', this.#mountpoint, '--engine', 'kernel');
  }

  async #run(root: string, log: string, ...more: string[]): Promise<void> {
    const { seed, steps, every, skip, hasDeaths } = this.#options;
    const workers = this.#options.isShared ? ['--workers', (await this.#ownFolders(root)).join(',')] : [];
    const args = ['--seed', seed, '--steps', steps, '--every', every, '--log', this.#log(log)].map(String);
    const skipped = [...(skip ? [skip] : []), ...(hasDeaths ? undoneByDeath : [])];
    const left = skipped.length > 0 ? ['--skip', skipped.join(',')] : [];
    await mustAs(
      this.#owner,
      this.#python,
      '-B',
      join(client, 'main.py'),
      root,
      ...args,
      ...workers,
      ...left,
      ...more,
    );
  }

  async #ownFolders(root: string): Promise<string[]> {
    const pattern = 'import glob, os, sys; print(os.path.relpath(glob.glob(sys.argv[1])[0], sys.argv[2]))';
    const found = await mustAs(this.#owner, this.#python, '-c', pattern, `${root}/lib/*/site-packages`, root);
    return ownPackages.map((own) => join(found.trim(), own));
  }

  #log(which: string, index?: number): string {
    return join(this.#owner.folder, `${which}.log${index === undefined ? '' : `.${index}`}`);
  }

  get #logs(): (number | undefined)[] {
    return [undefined, ...(this.#options.isShared ? ownPackages.keys() : [])];
  }

  async #compareLogs(): Promise<string[]> {
    const differences: string[] = [];
    for (const index of this.#logs) {
      const [first, second] = await Promise.all(
        ['first', 'second'].map((which) => readFile(this.#log(which, index), 'utf8')),
      );
      if (this.#options.keep) await this.#keep(index);
      const found = compareLogs(first!, second!);
      differences.push(...(index === undefined ? found : found.map((text) => `process ${index}, ${text}`)));
    }
    return differences;
  }

  async #keep(index: number | undefined): Promise<void> {
    for (const which of ['first', 'second']) {
      const log = this.#log(which, index);
      await copyFile(log, join(this.#options.keep!, basename(log)));
    }
  }

  /** What was there survives the end of the mount, to the last digit of times and inode numbers. */
  async #remounted(): Promise<string[]> {
    const before = await this.#survey();
    await expectAs(this.#owner, 'unmount', this.#mountpoint);
    await this.#mount();
    return compareSurveys(before, await this.#survey()).map((text) => `after mounting again, ${text}`);
  }

  /** Without the numbers of what cannot carry one: links, FIFOs, sockets, and files that their owner may not read. */
  async #survey(): Promise<Survey> {
    const text = await mustAs(this.#owner, this.#python, '-B', join(client, 'survey.py'), this.#other);
    const found = JSON.parse(text) as Survey;
    const isCarrier = (item: Survey[string]) =>
      ['file', 'folder'].includes(String(item.kind)) && !('errno' in item);
    for (const item of Object.values(found)) if (!isCarrier(item)) delete item.inode;
    return found;
  }

  async #operations(): Promise<EqualityReport['operations']> {
    const operations: EqualityReport['operations'] = {};
    for (const index of this.#logs) {
      for (const line of (await readFile(this.#log('first', index), 'utf8')).trimEnd().split('\n')) {
        const { operation, result } = JSON.parse(line) as { operation?: string; result: unknown };
        if (operation === undefined) continue;
        operations[operation] ??= { count: 0, succeeded: 0 };
        operations[operation].count += 1;
        if (!isFailure(result)) operations[operation].succeeded += 1;
      }
    }
    return operations;
  }
}

function isFailure(result: unknown): boolean {
  return typeof result === 'object' && result !== null && ('errno' in result || 'failed' in result);
}

export function describeEquality({ seed, steps }: EqualityOptions, report: EqualityReport): string {
  const all = Object.values(report.operations);
  const sum = (of: 'count' | 'succeeded') => all.reduce((total, operation) => total + operation[of], 0);
  const deaths = report.deaths > 0 ? `, ${report.deaths} deaths of the serving process` : '';
  return (
    `seed ${seed}, ${steps} steps: ${sum('count')} operations of ${all.length} kinds, ` +
    `${sum('succeeded')} succeeded${deaths}: ${report.differences.length} differences`
  );
}
