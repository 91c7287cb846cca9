import { ShenvError } from '../../base/errors.js';
import { FrameError, packFramed, unpackFramed } from '../../base/msgpack.js';
import { decodeManifest, encodeManifest } from '../../manifest/codec.js';
import type { Manifest } from '../../manifest/types.js';

/** One copy in the upper layer that the store has too. */
export interface Drop {
  /** Relative to the environment's root. */
  path: string;
  /** As `UpperStatus.stamp`, from before it was read. */
  stamp: string;
  /** Where the lower tree has the same. */
  slot: number;
  node: number;
  mtimeNs: bigint;
  /** Permission bits (9); undefined for a link. */
  mode: number | undefined;
}

/** What is to be done to an environment; made while others may write to it, so that each step is checked again. */
export interface AdoptionPlan {
  /** The generation that it was made for. */
  base: number;
  /** The next one; undefined where the one that there is stays. */
  next: Manifest | undefined;
  drops: Drop[];
}

/** Why a distribution stays in the upper layer. */
export interface Skipped {
  distribution: string;
  reason: string;
}

/** History: 1 (first version), 2 (modes). */
const planVersion = 2;
const magic = 'SHENVADO';

/** The mode is -1 for a link. */
type PackedDrop = [path: string, stamp: string, slot: number, node: number, mtimeNs: bigint, mode: number];

interface PackedPlan {
  base: number;
  next: Buffer | null;
  drops: PackedDrop[];
}

/** For the process that serves the environment. */
export function encodePlan({ base, next, drops }: AdoptionPlan): Buffer {
  const packed: PackedPlan = {
    base,
    next: next ? encodeManifest(next) : null,
    drops: drops.map(({ path, stamp, slot, node, mtimeNs, mode = -1 }) => [
      path,
      stamp,
      slot,
      node,
      mtimeNs,
      mode,
    ]),
  };
  return packFramed(magic, planVersion, packed);
}

/** Throws ENVIRONMENT_CHANGED for what is no plan of this version: it was made by another program. */
export function decodePlan(data: Buffer, path: string): AdoptionPlan {
  try {
    const { base, next, drops } = unpackFramed(magic, planVersion, data) as PackedPlan;
    return {
      base,
      next: next === null ? undefined : decodeManifest(next, path),
      drops: drops.map(([at, stamp, slot, node, mtimeNs, mode]) => ({
        path: at,
        stamp,
        slot,
        node,
        mtimeNs: BigInt(mtimeNs),
        mode: mode === -1 ? undefined : mode,
      })),
    };
  } catch (cause) {
    if (!(cause instanceof FrameError)) throw cause;
    throw new ShenvError(
      'ENVIRONMENT_CHANGED',
      `${path} is no plan that can be carried out: ${cause.message}`,
      {
        hint: 'Run `shenv-fs adopt` again; where it comes again, `shenv-fs restart` the mount.',
        path,
        cause,
      },
    );
  }
}
