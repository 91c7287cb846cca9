import { join } from 'node:path';
import { Violation } from '../faults/invariants.js';
import type { Random } from '../faults/random.js';
import type { Ended } from '../faults/servant.js';
import type { Servant } from '../faults/servants.js';
import { writeLock, writeStormWheel } from './wheels.js';

export interface CreatorOptions {
  /** Begins the names of its environments and of its distribution. */
  name: string;
  servant: Servant;
  random: Random;
  /** For its wheels and locks. */
  folder: string;
  /** Wheels that all creators use. */
  common: readonly string[];
  python: string;
  /** Seals and unseals environments as well. */
  isSealing?: boolean;
}

/** What it knows of an environment of its own. */
interface Known {
  generations: number;
  /** The wheel that all use, now and in the first generation. */
  hasCommon: boolean;
  hadCommon: boolean;
}

type Operation =
  | 'seal'
  | 'unseal'
  | 'create'
  | 'install'
  | 'sync'
  | 'remove'
  | 'rollback'
  | 'clone'
  | 'rename'
  | 'delete';

const mostEnvironments = 3;
/** pip takes a second. */
const installShare = 0.02;
const compiledShare = 0.2;

/** Makes, changes and deletes environments of its own, one after another; every command has to succeed. */
export class Creator {
  readonly #options: CreatorOptions;
  readonly #environments = new Map<string, Known>();
  #count = 0;

  constructor(options: CreatorOptions) {
    this.#options = options;
  }

  /** One operation. Throws Violation when its command fails. */
  async step(): Promise<void> {
    const names = [...this.#environments.keys()];
    const name = this.#draw(names);
    if (name === undefined || (names.length < mostEnvironments && this.#options.random() < 0.3))
      return this.#create();
    await this.#change(name, this.#environments.get(name)!);
  }

  async deleteAll(): Promise<void> {
    for (const name of this.#environments.keys()) await this.#run('delete', name);
    this.#environments.clear();
  }

  async #create(): Promise<void> {
    const { python, random } = this.#options;
    const [lock, name] = [await this.#lock(), this.#newName()];
    const bytecode = random() < compiledShare ? [] : ['--no-bytecode'];
    await this.#run('create', name, '-r', lock, '--python', python, '--without-pip', ...bytecode);
    this.#environments.set(name, { generations: 1, hasCommon: true, hadCommon: true });
  }

  async #change(name: string, known: Known): Promise<void> {
    const operation = this.#drawOperation(known);
    switch (operation) {
      case 'install':
        await this.#install(name);
        known.generations += 1;
        return;
      case 'sync':
        await this.#run('sync', name, await this.#lock());
        Object.assign(known, { generations: known.generations + 1, hasCommon: true });
        return;
      case 'remove':
        await this.#run('remove', name, 'common');
        Object.assign(known, { generations: known.generations + 1, hasCommon: false });
        return;
      case 'rollback':
        await this.#run('rollback', name, '--to', '1');
        Object.assign(known, { generations: known.generations + 1, hasCommon: known.hadCommon });
        return;
      case 'seal':
        await this.#seal(name);
        return;
      case 'unseal':
        await this.#run('unseal', name);
        return;
      case 'clone':
        return this.#clone(name, known);
      case 'rename':
        return this.#rename(name, known);
      default:
        await this.#run('delete', name);
        this.#environments.delete(name);
    }
  }

  /** What the mount of another host shows writable can be sealed there only. */
  async #seal(name: string): Promise<void> {
    const ended = await this.#options.servant.run(['seal', name]);
    if (ended.status !== 0 && !ended.stderr.includes('[ENVIRONMENT_BUSY]'))
      throw failed(['seal', name], ended);
  }

  async #install(name: string): Promise<void> {
    const { folder } = this.#options;
    const version = this.#nextVersion();
    await writeStormWheel(folder, this.#options.name, version);
    const requirement = `${this.#options.name}==${version}`;
    await this.#run('install', name, requirement, '--no-index', '--find-links', folder);
  }

  async #clone(name: string, known: Known): Promise<void> {
    const copy = this.#newName();
    await this.#run('clone', name, copy);
    const { hasCommon } = known;
    this.#environments.set(copy, { generations: 1, hasCommon, hadCommon: hasCommon });
    const [oldest] = this.#environments.keys();
    if (this.#environments.size <= mostEnvironments) return;
    await this.#run('delete', oldest!);
    this.#environments.delete(oldest!);
  }

  async #rename(name: string, known: Known): Promise<void> {
    const renamed = this.#newName();
    await this.#run('rename', name, renamed);
    this.#environments.delete(name);
    this.#environments.set(renamed, known);
  }

  #drawOperation({ generations, hasCommon }: Known): Operation {
    if (this.#options.random() < installShare) return 'install';
    const quick: Operation[] = ['sync', 'sync', 'clone', 'rename', 'delete'];
    if (this.#options.isSealing) quick.push('seal', 'seal', 'unseal');
    if (hasCommon) quick.push('remove');
    if (generations > 1) quick.push('rollback');
    return this.#draw(quick)!;
  }

  /** A lock of a wheel that no store has had and of one that all use. */
  async #lock(): Promise<string> {
    const { folder, name, common } = this.#options;
    const own = await writeStormWheel(folder, name, this.#nextVersion());
    return writeLock(join(folder, 'pylock.toml'), [own, this.#draw(common)!]);
  }

  async #run(...args: string[]): Promise<Ended> {
    const ended = await this.#options.servant.run(args);
    if (ended.status === 0) return ended;
    throw failed(args, ended);
  }

  #draw<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.#options.random() * items.length)];
  }

  #nextVersion(): string {
    this.#count += 1;
    return `${this.#count}.0`;
  }

  #newName(): string {
    this.#count += 1;
    return `${this.#options.name}-${this.#count}`;
  }
}

function failed(args: readonly string[], { status, stderr }: Ended): Violation {
  return new Violation(`shenv-fs ${args.join(' ')} ended with ${status}: ${stderr}`);
}
