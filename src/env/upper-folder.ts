import { lstat, mkdir, readdir, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stagingName, syncFolder } from '../base/atomic-write.js';
import { systemErrorCode, unless } from '../base/errors.js';
import { removeTree } from '../base/remove-tree.js';
import { makeUpperFolder } from '../upper/disk.js';

/** Whether an environment has an upper layer, and whether it may be written to (docs/writable.md). */
export type UpperState = 'none' | 'writable' | 'frozen';

/** When two of them are not equal, what is in the upper layer may be other things. */
export interface UpperMark {
  state: UpperState;
  /** Tells one freezing from the next: others may have written in between. Empty unless it is frozen. */
  frozenAs: string;
}

/** The name of the upper layer in the folder of an environment. */
export const upperName = 'upper';

/** The upper layer of one environment as files: docs/writable.md, "On disk". It may not be there. */
export class UpperFolder {
  readonly #environment: string;
  readonly path: string;
  /** What was added or changed, at its place. */
  readonly tree: string;
  readonly orphans: string;
  readonly times: string;
  readonly frozen: string;
  /** flock(2)ed by who serves the environment, or changes the folder without a mount. */
  readonly lock: string;
  /** flock(2)ed by who prepares an adoption and has it carried out. */
  readonly adopting: string;

  /** `environment` is the folder of the environment, maybe one that is staged. */
  constructor(environment: string) {
    this.#environment = environment;
    this.path = join(environment, upperName);
    this.tree = join(this.path, 'tree');
    this.orphans = join(this.path, 'orphans');
    this.times = join(this.path, 'times');
    this.frozen = join(this.path, 'frozen');
    this.lock = join(this.path, 'lock');
    this.adopting = join(this.path, 'adopting');
  }

  async state(): Promise<UpperState> {
    return (await this.mark()).state;
  }

  /** A link is not followed: the home may be another user's. */
  async mark(): Promise<UpperMark> {
    const status = await unless('ENOENT', lstat(this.path));
    if (!status?.isDirectory()) return { state: 'none', frozenAs: '' };
    const frozen = await unless('ENOENT', lstat(this.frozen, { bigint: true }));
    if (!frozen) return { state: 'writable', frozenAs: '' };
    return { state: 'frozen', frozenAs: `${frozen.ino} ${frozen.mtimeNs}` };
  }

  /** Whether anything in it makes the environment other than what its manifest composes. */
  async hasEdits(): Promise<boolean> {
    return ((await unless('ENOENT', readdir(this.tree))) ?? []).length > 0;
  }

  /** Makes it, empty, in one step; durable. False where it is there already. */
  async make(): Promise<boolean> {
    const staged = join(this.#environment, stagingName());
    try {
      await mkdir(staged, { mode: 0o755 });
      await fillUpper(staged);
      await syncFolder(staged);
      await rename(staged, this.path);
      await syncFolder(this.#environment);
      return true;
    } catch (error) {
      await rm(staged, { recursive: true, force: true });
      if (['ENOTEMPTY', 'EEXIST'].includes(systemErrorCode(error) ?? '')) return false;
      throw error;
    }
  }

  /** Files without a name go: no process can have them open. */
  async removeOrphans(): Promise<void> {
    await removeTree(this.orphans);
    await mkdir(this.orphans, { mode: 0o700 });
  }

  /** From now on nothing may be written; durable. */
  async freeze(): Promise<void> {
    await writeFile(this.frozen, '', { mode: 0o644 });
    await syncFolder(this.path);
  }

  /** It may be written to again; durable. */
  async thaw(): Promise<void> {
    await unless('ENOENT', unlink(this.frozen));
    await syncFolder(this.path);
  }

  /** Gives it to another environment, which has none; durable. False where there is none to give. */
  async moveTo(other: UpperFolder): Promise<boolean> {
    try {
      await rename(this.path, other.path);
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return false;
      throw error;
    }
    await syncFolder(other.#environment);
    await syncFolder(this.#environment);
    return true;
  }
}

/** Makes an empty upper layer in the folder of an environment that is being staged. */
export async function stageUpper(environment: string): Promise<UpperFolder> {
  const upper = new UpperFolder(environment);
  await mkdir(upper.path, { mode: 0o755 });
  await fillUpper(upper.path);
  return upper;
}

export function isSameMark(one: UpperMark, other: UpperMark): boolean {
  return one.state === other.state && one.frozenAs === other.frozenAs;
}

async function fillUpper(path: string): Promise<void> {
  makeUpperFolder(path);
  await writeFile(join(path, 'lock'), '', { mode: 0o600 });
}
