import { mkdir, readdir, readFile, stat, unlink } from 'node:fs/promises';
import { release, version } from 'node:os';
import { join } from 'node:path';
import { replaceFile } from '../base/atomic-write.js';
import type { Digest } from '../base/brands.js';
import { sha256 } from '../base/digest.js';
import { unless } from '../base/errors.js';
import { FrameError, packFramed, unpackFramed } from '../base/msgpack.js';
import type { Image } from '../image/read.js';
import { type PackedLayer, packLayer, unpackLayer } from '../manifest/codec.js';
import type { Outlines } from '../store/outlines.js';
import type { Clash, ViewLayer } from '../view/tree.js';
import type { NewLayer } from './change.js';
import type { Workspace } from './workspace.js';

/** History: 1 (first version). */
const planVersion = 1;
const magic = 'SHENVPLN';
/** Older ones are unlinked. */
const keptPlans = 64;

/** What creating an environment from one lock, or from pinned requirements, came to on this machine. */
export interface Plan {
  layers: readonly NewLayer[];
  requested: readonly string[];
  clashes: readonly Clash[];
}

/** Everything that a plan depends on. */
export interface PlanInputs {
  /** The lock, or what pinned requirements say. */
  text: string;
  /** The lock's folder, where the lock has paths. */
  folder: string;
  interpreter: Digest;
  bytecode: boolean;
  withPip: boolean;
}

interface StoredPlan {
  layers: PackedLayer[];
  requested: readonly string[];
  clashes: readonly Clash[];
  /** Paths of the images below those of their store, which all have to be there, in whichever one. */
  images: string[];
}

/**
 * Markers may ask for the kernel's release and version. What a lock says, which wheels fit and that they
 * compose follows from the inputs alone, so it is worked out once: the second environment from a
 * lock of 200 distributions takes a third of the first one's time. Pinned requirements without hashes keep the wheels
 * that they led to first, where the store later has others of the same versions.
 */
export function planKey({ text, ...inputs }: PlanInputs): Digest {
  const facts = [planVersion, sha256(Buffer.from(text)), inputs, release(), version()];
  return sha256(Buffer.from(JSON.stringify(facts)));
}

/** The plan under this key, if every image that it needs is still in the store. */
export async function recallPlan({ environments, store }: Workspace, key: Digest): Promise<Plan | undefined> {
  const data = await unless('ENOENT', readFile(join(environments.plans, key)));
  const stored = data && decode(data);
  if (!stored?.images.every((path) => store.parts.some((part) => part.has(path)))) return undefined;
  const { layers, requested, clashes } = stored;
  return { layers: layers.map(unpackLayer), requested, clashes };
}

/** Keeps a plan; `shown` are its layers with their images. Plans of folders and repositories are not kept. */
export async function rememberPlan(
  { environments, store, outlines }: Workspace,
  key: Digest,
  plan: Plan,
  shown: readonly ViewLayer[],
): Promise<void> {
  if (plan.layers.some(({ directUrl }) => directUrl !== undefined)) return;
  const stored: StoredPlan = {
    ...plan,
    layers: plan.layers.map(packLayer),
    images: shown
      .flatMap(({ image }) => [image, ...baseOf(outlines, image)])
      .flatMap(({ path }) => store.parts.flatMap((part) => part.pathWithin(path) ?? [])),
  };
  await mkdir(environments.plans, { recursive: true, mode: 0o755 });
  await replaceFile(join(environments.plans, key), packFramed(magic, planVersion, stored));
  await forgetOldPlans(environments.plans);
}

/** Of an image of bytecode that of its wheel, which holds the sources. */
function baseOf(outlines: Outlines, { meta, wheelDigest }: ViewLayer['image']): Image[] {
  if (meta.cacheTag === undefined) return [];
  return [outlines.open({ name: meta.name, version: meta.version, wheelDigest })];
}

function decode(data: Buffer): StoredPlan | undefined {
  try {
    return unpackFramed(magic, planVersion, data) as StoredPlan;
  } catch (error) {
    if (error instanceof FrameError) return undefined;
    throw error;
  }
}

async function forgetOldPlans(folder: string): Promise<void> {
  const names = await readdir(folder);
  if (names.length <= keptPlans) return;
  const aged = await Promise.all(
    names.map(async (name) => ({
      name,
      mtimeMs: (await unless('ENOENT', stat(join(folder, name))))?.mtimeMs ?? 0,
    })),
  );
  aged.sort((a, b) => b.mtimeMs - a.mtimeMs);
  for (const { name } of aged.slice(keptPlans)) await unless('ENOENT', unlink(join(folder, name)));
}
