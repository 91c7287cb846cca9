import type { Sandbox } from '../../test/support/sandbox.js';
import type { Bench } from '../run/bench.js';
import { wallMs } from '../run/commands.js';
import type { WheelSet } from '../run/wheel-set.js';

/** What every way to make an environment starts from; all files are on the disk already. */
export interface Order {
  bench: Bench;
  sandbox: Sandbox;
  set: WheelSet;
  /** The whole set with versions: a pylock.toml, and requirements. */
  lock: string;
  pins: string;
  /** A set of one small distribution, to be installed later. */
  extra: WheelSet;
}

/** One way to make an environment. Each step gives the wall time of its commands in ms; undefined is not offered. */
export interface Maker {
  name: string;
  about: string;
  /** Measured once where the others are measured several times. */
  isSlow: boolean;
  /** Takes tenths of a second. */
  isQuick: boolean;
  create(place: string): Promise<number>;
  clone?: (from: string, place: string) => Promise<number>;
  /** Gives a place another name. */
  rename?: (place: string, to: string) => Promise<number>;
  install?: (place: string) => Promise<number>;
  /** Undoes the installation. */
  rollBack?: (place: string) => Promise<number>;
  remove(place: string): Promise<number>;
}

/** The sum of the wall times of commands that run one after another. */
export async function timeCommands(
  commands: readonly (readonly string[])[],
  env: NodeJS.ProcessEnv,
): Promise<number> {
  let total = 0;
  for (const [program = '', ...args] of commands) total += await wallMs(program, args, { env });
  return total;
}
