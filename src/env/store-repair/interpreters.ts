import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { toDigest } from '../../base/brands.js';
import { ShenvError, unless } from '../../base/errors.js';
import { listInterpreters } from '../../python/discover.js';
import { readInterpreter } from '../../python/interpreter-record.js';
import type { Probe } from '../../python/probe.js';
import { listHomes } from '../../store/homes.js';
import { isExecutable } from '../interpreter-presence.js';
import type { Workspace } from '../workspace.js';

/** The interpreters that homes of the store have records of, and only if one is missing those of this machine. */
export class KnownInterpreters {
  readonly #workspace: Workspace;
  #recorded: Promise<Probe[]> | undefined;
  #listed: Promise<Probe[]> | undefined;

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
  }

  /** The first that does, or undefined. */
  async find(isSuitable: (probe: Probe) => boolean): Promise<Probe | undefined> {
    this.#recorded ??= this.#readRecords();
    const recorded = (await this.#recorded).find(isSuitable);
    if (recorded) return recorded;
    this.#listed ??= listInterpreters();
    return (await this.#listed).find(isSuitable);
  }

  async #readRecords(): Promise<Probe[]> {
    const { places, store } = this.#workspace;
    const homes = (await listHomes(store.layout)).map(({ path }) => path);
    const found: Probe[] = [];
    for (const home of new Set([places.home, ...homes])) {
      if (home !== undefined) found.push(...(await recordsOf(join(home, 'interpreters'))));
    }
    return found;
  }
}

async function recordsOf(folder: string): Promise<Probe[]> {
  const found: Probe[] = [];
  for (const file of (await unless('ENOENT', readdir(folder)).catch(() => [])) ?? []) {
    if (!/^[0-9a-f]{64}$/.test(file)) continue;
    const record = await readInterpreter(folder, toDigest(file)).catch(ignoreUnreadable);
    if (record && (await isExecutable(record.baseExecutable))) found.push(record);
  }
  return found;
}

/** Another user's home, or a damaged record. */
function ignoreUnreadable(error: unknown): undefined {
  if (error instanceof ShenvError || (error instanceof Error && 'code' in error)) return undefined;
  throw error;
}
