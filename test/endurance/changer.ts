import { basename, dirname, join } from 'node:path';
import { Violation } from '../faults/invariants.js';
import type { Random } from '../faults/random.js';
import type { Servant } from '../faults/servants.js';
import { writeLock } from '../storm/wheels.js';

export interface ChangerOptions {
  /** Begins the names of its environments. */
  name: string;
  servant: Servant;
  random: Random;
  /** For its locks. */
  folder: string;
  /** At least two versions of one distribution, `changing`. */
  wheels: readonly string[];
  /** Part of every environment. */
  steady: readonly string[];
  python: string;
}

const mostEnvironments = 3;
const mostGenerations = 12;
/** pip takes a second. */
const installShare = 0.03;

interface Known {
  generations: number;
  /** The wheel of `changing` that it has, and had at first. */
  wheel: string;
  first: string;
}

export type Change = 'create' | 'install' | 'sync' | 'rollback' | 'clone' | 'rename' | 'delete';

/** Changes environments, one command after another, each of which has to succeed; the wheels are the same again and again. */
export class Changer {
  readonly #options: ChangerOptions;
  readonly #environments = new Map<string, Known>();
  /** Wheels of `changing` that lasting environments have. */
  readonly #lasting = new Map<string, string>();
  #count = 0;

  constructor(options: ChangerOptions) {
    this.#options = options;
  }

  /** An environment that is there as long as this changer; only its `changing` distribution changes. */
  async createLasting(name: string): Promise<void> {
    this.#lasting.set(name, await this.#create(name));
  }

  async changeLasting(name: string): Promise<void> {
    this.#lasting.set(name, await this.#sync(name, this.#lasting.get(name)!));
  }

  /** One command; what it was. Throws Violation when it fails. */
  async step(): Promise<Change> {
    const names = [...this.#environments.keys()];
    const name = this.#draw(names);
    const known = name === undefined ? undefined : this.#environments.get(name);
    const change = known ? this.#drawChange(known, names.length) : 'create';
    if (change === 'create') await this.#add(this.#newName());
    else await this.#change(change, name!, known!);
    return change;
  }

  #drawChange({ generations }: Known, environments: number): Change {
    if (environments > mostEnvironments || generations >= mostGenerations) return 'delete';
    if (this.#options.random() < installShare) return 'install';
    const changes: Change[] = ['create', 'sync', 'sync', 'sync', 'clone', 'rename', 'delete'];
    if (generations > 1) changes.push('rollback', 'rollback');
    return this.#draw(changes)!;
  }

  async #add(name: string): Promise<void> {
    const wheel = await this.#create(name);
    this.#environments.set(name, { generations: 1, wheel, first: wheel });
  }

  async #change(change: Change, name: string, known: Known): Promise<void> {
    const other = this.#newName();
    switch (change) {
      case 'sync':
        known.wheel = await this.#sync(name, known.wheel);
        known.generations += 1;
        return;
      case 'install':
        known.wheel = await this.#install(name, known.wheel);
        known.generations += 1;
        return;
      case 'rollback':
        await this.#run('rollback', name, '--to', '1');
        Object.assign(known, { wheel: known.first, generations: known.generations + 1 });
        return;
      case 'clone':
        await this.#run('clone', name, other);
        this.#environments.set(other, { generations: 1, wheel: known.wheel, first: known.wheel });
        return;
      case 'rename':
        await this.#run('rename', name, other);
        this.#environments.set(other, known);
        this.#environments.delete(name);
        return;
      default:
        await this.#run('delete', name);
        this.#environments.delete(name);
    }
  }

  /** Each gives the wheel of `changing` that the environment has now. */
  async #create(name: string): Promise<string> {
    const wheel = this.#draw(this.#options.wheels)!;
    const { python } = this.#options;
    await this.#run('create', name, '-r', await this.#lock(wheel), '--python', python, '--without-pip');
    return wheel;
  }

  async #sync(name: string, before: string): Promise<string> {
    const wheel = this.#drawOther(before);
    await this.#run('sync', name, await this.#lock(wheel));
    return wheel;
  }

  async #install(name: string, before: string): Promise<string> {
    const wheel = this.#drawOther(before);
    const [, version] = basename(wheel).split('-');
    await this.#run('install', name, `changing==${version}`, '--no-index', '--find-links', dirname(wheel));
    return wheel;
  }

  #drawOther(wheel: string): string {
    return this.#draw(this.#options.wheels.filter((other) => other !== wheel))!;
  }

  #lock(wheel: string): Promise<string> {
    const { folder, name, steady } = this.#options;
    return writeLock(join(folder, `pylock.${name}.toml`), [wheel, ...steady]);
  }

  async #run(...args: string[]): Promise<void> {
    const { status, stderr } = await this.#options.servant.run(args);
    if (status !== 0) throw new Violation(`shenv-fs ${args.join(' ')} ended with ${status}: ${stderr}`);
  }

  #draw<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.#options.random() * items.length)];
  }

  #newName(): string {
    this.#count += 1;
    return `${this.#options.name}-${this.#count}`;
  }
}
