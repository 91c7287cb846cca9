import { type Layer, type Manifest, manifestVersion } from '../../manifest/types.js';
import type { KnownInterpreter } from '../../python/interpreter-record.js';
import type { Clash } from '../../view/tree.js';
import { assignSlots, type NewLayer, nowMs } from '../change.js';
import { tryGeneration } from '../try-generation.js';
import type { Workspace } from '../workspace.js';

/** What arrived from outside and becomes an environment. */
export interface Arrival {
  name: string;
  interpreter: KnownInterpreter;
  layers: readonly NewLayer[];
  options: Manifest['options'];
  requested: readonly string[];
  /** In the words of `history`. */
  what: string;
}

/** Slot 0 is the skeleton's. */
const firstSlot = 1;

/** Publishes a first generation, compiled and composed before. Throws PATH_CONFLICT, ENVIRONMENT_EXISTS. */
export async function publishArrival(
  workspace: Workspace,
  { name, interpreter, layers, options, requested, what }: Arrival,
): Promise<{ manifest: Manifest; clashes: readonly Clash[] }> {
  const { environments } = workspace;
  const manifest: Manifest = {
    version: manifestVersion,
    name,
    serial: await environments.claimSerial(),
    generation: 1,
    change: { atMs: Date.now(), what },
    createdMs: nowMs(),
    interpreter: interpreter.key,
    ...assignSlots([] as Layer[], layers, firstSlot),
    parents: [],
    options,
    requested: [...requested],
  };
  const { clashes } = await tryGeneration(workspace, interpreter.record, manifest);
  await environments.create(manifest);
  return { manifest, clashes };
}
