import { mountAt } from '../../src/mount/mountpoint.js';
import type { Probe } from '../../src/python/probe.js';
import { type Bench, firstLine } from './bench.js';
import { ask } from './commands.js';
import type { Contender, Place } from './contender.js';
import type { WheelSet } from './wheel-set.js';

/** Environments that are set up once and used by every trial that asks for the same. */
export class Shelf {
  readonly #bench: Bench;
  readonly #chosen: readonly Contender[];
  readonly #all: readonly Contender[];
  readonly #places = new Map<string, Promise<Place>>();
  readonly #usable = new Map<string, boolean>();
  readonly #made = new Map<string, Promise<unknown>>();

  /** `chosen` are measured; `all` are known, because one is built from another. */
  constructor(bench: Bench, chosen: readonly Contender[], all: readonly Contender[]) {
    this.#bench = bench;
    this.#chosen = chosen;
    this.#all = all;
  }

  /** The environment of a contender, whether it was chosen or not. */
  place(name: string, set: WheelSet, python: Probe = this.#bench.settings.python): Promise<Place> {
    const key = `${name} ${set.name} ${python.minor}`;
    const contender = this.#all.find((one) => one.name === name)!;
    const place = this.#places.get(key) ?? this.#setUp(contender, set, python);
    this.#places.set(key, place);
    return place;
  }

  /** The environments of a set for all chosen contenders that can be tried here; the others are named. */
  async places(set: WheelSet, options: { python?: Probe; only?: readonly string[] } = {}): Promise<Place[]> {
    const places: Place[] = [];
    for (const contender of this.#chosen) {
      if (options.only && !options.only.includes(contender.name)) continue;
      if (!(await this.isUsable(contender))) continue;
      this.#bench.checkRunning();
      try {
        places.push(await this.place(contender.name, set, options.python));
      } catch (error) {
        this.#bench.checkRunning();
        this.#bench.skip(`${contender.name} with the set ${set.name}`, firstLine(error));
      }
    }
    return places;
  }

  /** A further environment beside a place; undefined where the contender does not offer it. */
  async further(place: Place, set: WheelSet, index: number): Promise<Place | undefined> {
    const contender = this.#all.find(({ name }) => name === place.contender)!;
    const { python } = this.#bench.settings;
    this.#bench.checkRunning();
    return contender.further?.(place, index, { bench: this.#bench, set, python, shelf: this });
  }

  /** What `make` gives, made once a run; a failure is kept too. */
  once<Made>(key: string, make: () => Promise<Made>): Promise<Made> {
    const made = (this.#made.get(key) as Promise<Made> | undefined) ?? make();
    this.#made.set(key, made);
    return made;
  }

  isChosen(name: string): boolean {
    return this.#chosen.some((one) => one.name === name);
  }

  /** Whether a contender was chosen and can be tried here. */
  async isReady(name: string): Promise<boolean> {
    return this.isChosen(name) && this.isUsable(this.#all.find((one) => one.name === name)!);
  }

  async isUsable(contender: Contender): Promise<boolean> {
    const known = this.#usable.get(contender.name);
    if (known !== undefined) return known;
    const why = await contender.missing(this.#bench);
    if (why !== undefined) this.#bench.skip(contender.name, why);
    this.#usable.set(contender.name, why === undefined);
    return why === undefined;
  }

  async #setUp(contender: Contender, set: WheelSet, python: Probe): Promise<Place> {
    const start = performance.now();
    const place = await contender.setUp({ bench: this.#bench, set, python, shelf: this });
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    this.#bench.settings.say(
      `  made ${contender.name}: ${set.name}, Python ${python.minor}, in ${seconds} s`,
    );
    return place;
  }
}

/** Registers the unmounting of a mount that a contender makes, before it makes it. */
export function deferUnmount(bench: Bench, mountpoint: string): void {
  bench.defer(`the mount ${mountpoint}`, async () => {
    const ways = [['umount'], ['fusermount3', '-u'], ['umount', '-l'], ['fusermount3', '-uz']];
    for (const [program = '', ...args] of ways) {
      if (!(await mountAt(mountpoint))) return;
      await ask(program, [...args, mountpoint]);
    }
    if (await mountAt(mountpoint)) throw new Error('is still mounted');
  });
}
