import type { Probe } from '../../src/python/probe.js';
import type { Bench } from './bench.js';
import type { Shelf } from './shelf.js';
import type { WheelSet } from './wheel-set.js';

/** One environment as one contender shows it. */
export interface Place {
  contender: string;
  /** The environment as a user sees it: holds bin/python. */
  prefix: string;
  /** Folders that hold importable files; one, but for contenders with a folder a distribution. */
  sites: string[];
  python: string;
  /** What this environment alone occupies. */
  own: string[];
  /** What it shares with others of its kind. */
  shared: string[];
  /** The folders whose files hold its cached pages, where its prefix shows pages of other files. */
  pagesIn?: string[];
  /** Counts of FUSE requests since the mount; undefined where no server counts them. */
  requests?: () => Promise<Record<string, number>>;
  /** Resident memory of its server in bytes; undefined where there is none or it cannot be asked. */
  memoryBytes?: () => Promise<number>;
}

export interface Ingredients {
  bench: Bench;
  set: WheelSet;
  python: Probe;
  /** Environments that were set up before, to build on. */
  shelf: Shelf;
}

export interface Contender {
  name: string;
  /** One sentence: what it is. */
  about: string;
  /** Why it cannot be tried here, and how to get what is missing; undefined when it can. */
  missing(bench: Bench): Promise<string | undefined>;
  /** Makes the environment; what has to be undone is given to `bench.defer`. */
  setUp(ingredients: Ingredients): Promise<Place>;
  /** Makes a further environment of the same distributions; undefined where that was not tried. */
  further?: (place: Place, index: number, ingredients: Ingredients) => Promise<Place>;
}

export async function alwaysThere(): Promise<undefined> {
  return undefined;
}
